using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Engine.Verification;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>
/// A question on the harbour year-book, answered with full and with sparse attention: what is read, and where the answer comes from.
/// </summary>
public sealed class SparseDocumentTests(SparseDocumentTests.YearBook book) : IClassFixture<SparseDocumentTests.YearBook>
{
    private const int AnswerTokens = 12;

    [Fact]
    public void Full_attention_reads_everything()
    {
        Assert.Equal(1, book.Full.Reads.Ratio);
        Assert.Equal(AnswerTokens - 1, book.Full.Reads.Steps);
        Assert.Equal(0, book.Full.Reads.Refreshes);
        Assert.Equal(Enumerable.Range(book.Question.InputIds.Count + 1, AnswerTokens - 1).Sum(), book.Full.Reads.Tokens);
    }

    [Theory]
    [InlineData("quest:budget=512", 0.15)]
    [InlineData("hshare:1-1-1/4,budget=512", 0.105)]
    public async Task A_budget_of_512_tokens_gives_the_answer_for_the_bytes_that_the_model_says(string text, double ratio)
    {
        Generation generation = book.Engine.Submit(book.Request with { Attention = AttentionPreset.Parse(text) });
        Assert.Equal(book.Question.GreedyIds.Take(AnswerTokens), await generation.ReadIdsAsync());
        KvReads reads = generation.Reads;
        Assert.Equal(ratio, reads.Ratio, 0.01);
        Assert.True(reads.Tokens <= (AnswerTokens - 1) * (512 + 3));
        Assert.True(generation.CachedPromptTokens > 5700);

        KvReads engine = book.Engine.GetStatistics().Reads;
        Assert.True(engine.Steps >= reads.Steps && engine.Bytes >= reads.Bytes && engine.FullBytes >= reads.FullBytes);
    }

    [Fact]
    public void What_the_answer_attended_to_adds_up_and_peaks_where_it_stands()
    {
        IReadOnlyList<float> mass = book.Full.ReadsMass!;
        Assert.Equal((AnswerTokens - 1) * SparsePresets.Layers * SparsePresets.KvHeads, mass.Sum(), 0.05);

        // Sinks, question and answer draw attention in every text; the document lies between them.
        int[] document = [.. Enumerable.Range(64, book.Question.InputIds.Count - 64 - 64)];
        int peak = document.MaxBy(token => mass[token]);
        string around = book.Engine.Model.Tokenizer!.Decode([.. book.Question.InputIds.Skip(peak - 12).Take(24)]);
        Assert.Contains("Nora Wells", around);
        Assert.Contains("Breakwater", around);
        Assert.True(mass[peak] > 50 * document.Average(token => mass[token]));
    }

    /// <summary>The engine with the document in its prefix cache, and a question that full attention has answered.</summary>
    public sealed class YearBook : IAsyncLifetime
    {
        public InferenceEngine Engine { get; } = SparsePresets.Create(new EngineOptions
        {
            MaxContext = 6144,
            MaxBatch = 2,
            AttentionPresets = [AttentionPreset.Quest()],
            TracksReads = true,
        });

        public ReferenceCase Question { get; private set; } = null!;

        public GenerationRequest Request { get; private set; } = null!;

        public Generation Full { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Question = ReferenceSet.Read(Path.Combine(TestFiles.TinyModel, ReferenceSet.FileName), Engine.Model.Config)
                .Cases.Single(reference => reference.Name == "chat_document");
            Request = new GenerationRequest { Prompt = Question.InputIds, MaxOutputTokens = AnswerTokens, StopIds = [] };
            Full = Engine.Submit(Request with { TracksReads = true });
            Assert.Equal(Question.GreedyIds.Take(AnswerTokens), await Full.ReadIdsAsync());
        }

        public ValueTask DisposeAsync() => Engine.DisposeAsync();
    }
}
