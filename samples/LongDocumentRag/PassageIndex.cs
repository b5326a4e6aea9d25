using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;

namespace LongDocumentRag;

/// <summary>
/// A full-text index of the passages of a folder of documents: SQLite's FTS5, ranked by BM25, in one file beside the documents. It is
/// kept: a later run reads only the documents that have changed.
/// </summary>
internal sealed partial class PassageIndex : IDisposable
{
    /// <summary>Name of the index in the documents' folder.</summary>
    public const string FileName = "passages.db";

    private static readonly HashSet<string> QuestionWords = new(
        ["a", "an", "and", "are", "at", "by", "did", "do", "does", "for", "from", "how", "in", "is", "it", "many", "much", "of", "on", "or",
            "the", "to", "was", "were", "what", "when", "where", "which", "who", "whom", "whose", "why", "will", "with"],
        StringComparer.OrdinalIgnoreCase);

    private readonly SqliteConnection _connection;

    private PassageIndex(string file)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        _connection.Open();
        Execute("CREATE TABLE IF NOT EXISTS documents(name TEXT PRIMARY KEY, modified INTEGER NOT NULL)");
        Execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS passages USING fts5("
            + "document UNINDEXED, first_line UNINDEXED, last_line UNINDEXED, text, tokenize = 'porter unicode61')");
    }

    /// <summary>Documents in the index.</summary>
    public long DocumentCount => (long)Execute("SELECT count(*) FROM documents")!;

    /// <summary>Passages of all of them.</summary>
    public long PassageCount => (long)Execute("SELECT count(*) FROM passages")!;

    /// <summary>Opens the index of a folder and brings it up to date with the text files in it.</summary>
    public static PassageIndex Open(string folder)
    {
        var index = new PassageIndex(Path.Combine(folder, FileName));
        using SqliteTransaction transaction = index._connection.BeginTransaction();
        HashSet<string> known = index.KnownDocuments();
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".txt" or ".md").Order(StringComparer.Ordinal))
        {
            string name = Path.GetRelativePath(folder, file);
            known.Remove(name);
            index.Update(name, file);
        }

        foreach (string gone in known)
            index.Remove(gone);
        transaction.Commit();
        return index;
    }

    /// <summary>The passages that share the rarest words with a question, best first.</summary>
    /// <param name="question">Any text; words such as "who" and "the" do not count.</param>
    /// <param name="top">Most passages.</param>
    public IReadOnlyList<Passage> Search(string question, int top)
    {
        string[] words = [.. Words.Matches(question)
            .Where(word => !QuestionWords.Contains(word.Value))
            .Select(word => $"\"{word.Value}\"")];
        if (words.Length == 0)
            return [];

        using SqliteCommand command = Command(
            "SELECT document, first_line, last_line, text FROM passages WHERE passages MATCH $words ORDER BY bm25(passages) LIMIT $top",
            ("$words", string.Join(" OR ", words)), ("$top", top));
        using SqliteDataReader reader = command.ExecuteReader();
        List<Passage> passages = [];
        while (reader.Read())
            passages.Add(new Passage(reader.GetString(0), reader.GetInt32(1), reader.GetInt32(2), reader.GetString(3)));
        return passages;
    }

    public void Dispose() => _connection.Dispose();

    private HashSet<string> KnownDocuments()
    {
        using SqliteCommand command = Command("SELECT name FROM documents");
        using SqliteDataReader reader = command.ExecuteReader();
        HashSet<string> names = [];
        while (reader.Read())
            names.Add(reader.GetString(0));
        return names;
    }

    private void Update(string name, string file)
    {
        long modified = File.GetLastWriteTimeUtc(file).Ticks;
        if (Execute("SELECT modified FROM documents WHERE name = $name", ("$name", name)) is long known && known == modified)
            return;

        Remove(name);
        Execute("INSERT INTO documents VALUES ($name, $modified)", ("$name", name), ("$modified", modified));
        foreach (Passage passage in Passage.Split(name, File.ReadAllText(file)))
        {
            Execute(
                "INSERT INTO passages(document, first_line, last_line, text) VALUES ($document, $first, $last, $text)",
                ("$document", name), ("$first", passage.FirstLine), ("$last", passage.LastLine), ("$text", passage.Text));
        }
    }

    private void Remove(string name)
    {
        Execute("DELETE FROM documents WHERE name = $name", ("$name", name));
        Execute("DELETE FROM passages WHERE document = $name", ("$name", name));
    }

    private object? Execute(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using SqliteCommand command = Command(sql, parameters);
        return command.ExecuteScalar();
    }

    private SqliteCommand Command(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object value) in parameters)
            command.Parameters.AddWithValue(name, value);
        return command;
    }

    [GeneratedRegex(@"[\p{L}\p{N}]+")]
    private static partial Regex Words { get; }
}
