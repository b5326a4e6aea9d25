using System.Security.Cryptography;

namespace HShare.AI.ToolCalls;

/// <summary>
/// Ids for the calls of one answer. Templates of the Mistral family refuse ids other than nine letters or digits, all others take any: so
/// that form is used everywhere.
/// </summary>
internal sealed class CallIds
{
    private const int Length = 9;
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private readonly HashSet<string> _given = [];

    /// <summary>The id that the model wrote itself, where it has the form and is new in this answer; else a random one.</summary>
    public string Next(string? proposed)
    {
        string id = proposed?.Length == Length && !proposed.AsSpan().ContainsAnyExcept(Alphabet) ? proposed : Random();
        while (!_given.Add(id))
            id = Random();
        return id;
    }

    private static string Random() => RandomNumberGenerator.GetString(Alphabet, Length);
}
