using HShare.Cli;
using HShare.Cli.Output;

return await HShareTool.RunAsync(args, Terminal.OfProcess());
