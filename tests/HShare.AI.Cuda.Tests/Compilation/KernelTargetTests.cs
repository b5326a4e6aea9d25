using HShare.AI.Cuda.Compilation;

namespace HShare.AI.Cuda.Tests.Compilation;

public class KernelTargetTests
{
    [Theory]
    [InlineData(90, "sm_90", false)]
    [InlineData(80, "sm_80", false)]
    [InlineData(103, "compute_90", true)]
    [InlineData(89, "compute_86", true)]
    public void Machine_code_is_made_where_the_compiler_knows_the_device(int device, string architecture, bool isPtx) =>
        Assert.Equal(new KernelTarget(architecture, isPtx), KernelTarget.For(device, [75, 80, 86, 90]));

    [Fact]
    public void A_device_that_the_compiler_gave_up_is_refused()
    {
        CudaException problem = Assert.Throws<CudaException>(() => KernelTarget.For(80, [90, 100]));
        Assert.Contains("9.0", problem.Message);
    }
}
