using Microsoft.SemanticKernel;

namespace SemanticKernelAgent;

/// <summary>Shows what the model calls and what comes back.</summary>
internal sealed class CallPrinter : IAutoFunctionInvocationFilter
{
    /// <inheritdoc/>
    public async Task OnAutoFunctionInvocationAsync(
        AutoFunctionInvocationContext context, Func<AutoFunctionInvocationContext, Task> next)
    {
        await next(context);
        string arguments = string.Join(", ", context.Arguments?.Select(argument => $"{argument.Key}: {argument.Value}") ?? []);
        Console.WriteLine($"Call:     {context.Function.PluginName}_{context.Function.Name}({arguments})");
        Console.WriteLine($"Result:   {context.Result}");
    }
}
