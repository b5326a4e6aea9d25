namespace HShare.AI.Engine.Attention;

/// <summary>What one KV head read at one step of a replay.</summary>
/// <param name="ProximalMass">Attention mass on the sinks and on the window of that step.</param>
/// <param name="DistantMass">Attention mass on what was read between them.</param>
/// <param name="Found">Share of its true critical tokens that were read.</param>
/// <param name="ProximalTokens">Sinks and window that were read, with what the window has grown by since the refresh.</param>
/// <param name="DistantTokens">Tokens between them that were read.</param>
internal readonly record struct UnitReading(double ProximalMass, double DistantMass, double Found, int ProximalTokens, int DistantTokens);
