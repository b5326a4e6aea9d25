using HShare.AI.Engine.Attention;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests;

/// <summary>The PoD blocks that the bundled model was trained with: what they save, and that they find what lies far back.</summary>
public sealed class TrainedBlocksTests
{
    private const int Sinks = 16, Recent = 384;

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public void They_save_a_third_of_the_cache_of_a_long_document()
    {
        string folder = TestFiles.TinyModel;
        SharingPlan plan = SharingPlanFile.Load(Path.Combine(folder, "pod-plan.json"), 12, 2, ModelFingerprint.Of(folder)).Plan;

        Assert.Equal(6 / 24.0, PodPlanner.LeaderShare(plan), 9);
        Assert.InRange(PodPlanner.SavedShare(plan, Sinks + Recent, 7500), 0.35, 0.375);
    }

    [Fact]
    public async Task Answers_come_from_far_back_as_with_all_keys()
    {
        HShareOptions options = TinyClient.Options;
        await using HShareChatClient full = await HShareChatClient.CreateAsync(options, cancellationToken: TestToken);
        options.Attention = $"pod:plan=pod-plan.json,proximal={Sinks}+{Recent}";
        await using HShareChatClient pod = await HShareChatClient.CreateAsync(options, cancellationToken: TestToken);

        foreach ((string question, string found) in new[]
        {
            ("What is the keeper of the lighthouse called?", "Tobias Ellery"),
            ("What is the password of the chapel?", "copper"),
            ("What is the password of the tower?", "The document does not say."),
        })
        {
            ChatResponse answer = await AskAsync(pod, question);
            Assert.Contains(found, answer.Text, StringComparison.Ordinal);
            Assert.Equal((await AskAsync(full, question)).Text, answer.Text);
            Assert.True(answer.Usage!.InputTokenCount > 2 * (Sinks + Recent));
        }
    }

    private static Task<ChatResponse> AskAsync(HShareChatClient client, string question)
    {
        string days = string.Concat(Enumerable.Range(1, 40).Select(day =>
            $"On the morning of day {day} the wind was light, and nothing was written in the book but the tide. "));
        string instruction = "Answer only from the document. If the answer is not in it, say: The document does not say.";
        return client.GetResponseAsync(
            [
                new ChatMessage(ChatRole.System, $"{instruction}\n<document>\n{TinyClient.Document} {days.Trim()}\n</document>"),
                new ChatMessage(ChatRole.User, question),
            ],
            cancellationToken: TestToken);
    }
}
