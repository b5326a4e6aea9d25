using HShare.AI.Engine.Attention;

namespace HShare.AI.Engine.Tests.Attention;

/// <summary>When leaders choose anew, and what a step reads.</summary>
public sealed class SelectionClockTests
{
    [Fact]
    public void Choices_begin_at_the_prompts_end_and_return_every_interval()
    {
        SelectionClock clock = Clock("hshare:1-1-1/4,budget=112,sinks=16,window=64");
        AttentionStep first = clock.EndPrompt(201)!.Value;
        Assert.Equal(new AttentionStep(201, true, true, 201 - 64, 32, 16), first);
        for (int context = 202; context < 230; context++)
        {
            AttentionStep step = clock.Decode(context);
            int since = (context - 201) % 4;
            Assert.Equal(since == 0, step.Refreshes);
            Assert.Equal(context - since - 64, step.WindowStart); // stays where the choice left it
            Assert.Equal(112 + since, step.TokensRead);
        }
    }

    [Fact]
    public void A_choice_for_each_step_begins_with_the_first_step()
    {
        SelectionClock clock = Clock("quest:budget=112,sinks=16,window=64");
        Assert.Null(clock.EndPrompt(201)); // the prompt's last row has read everything
        Assert.All(Enumerable.Range(202, 10), context => Assert.True(clock.Decode(context).Refreshes));
    }

    [Fact]
    public void A_context_within_the_budget_is_read_whole_and_the_first_step_beyond_it_chooses()
    {
        SelectionClock clock = Clock("hshare:1-1-1/4,budget=112,sinks=16,window=64");
        Assert.Null(clock.EndPrompt(109));
        for (int context = 110; context <= 112; context++)
            Assert.Equal(new AttentionStep(context, false, false, 0, 0, 0), clock.Decode(context));
        bool[] refreshes = [.. Enumerable.Range(113, 9).Select(context => clock.Decode(context).Refreshes)];
        Assert.Equal([true, false, false, false, true, false, false, false, true], refreshes);
    }

    [Fact]
    public void A_sequence_that_lost_its_place_chooses_again_in_the_same_steps()
    {
        SelectionClock clock = Clock("hshare:1-1-1/3,budget=112,sinks=16,window=64");
        clock.EndPrompt(150);
        AttentionStep[] before = [.. Enumerable.Range(151, 8).Select(clock.Decode)];
        clock.Reset();
        clock.EndPrompt(150);
        Assert.Equal(before, Enumerable.Range(151, 8).Select(clock.Decode));
    }

    [Fact]
    public void The_budget_is_the_total_and_a_share_is_of_the_context()
    {
        Assert.Equal(112, Clock("quest:budget=112,sinks=16,window=64").Decode(5000).TokensRead);
        Assert.Equal(625, Clock("quest:budget=1/8,sinks=16,window=64").Decode(5000).TokensRead);
        Assert.Equal(80, Clock("quest:budget=1/8,sinks=16,window=64").Decode(90).TokensRead); // never less than sinks and window
        Assert.Equal(112, Clock("streaming-llm:budget=112").Decode(5000).TokensRead);
        Assert.Equal(112, Clock("h2o:budget=112").Decode(5000).TokensRead);
        Assert.Equal(5000, Clock("full").Decode(5000).TokensRead);
        Assert.Equal(5000, Clock("quest:budget=1.0").Decode(5000).TokensRead);
    }

    [Fact]
    public void Sinks_chosen_tokens_and_window_are_apart()
    {
        string[] texts =
            ["quest:budget=112,sinks=16,window=64", "h2o:budget=33", "streaming-llm:budget=5", "quest:budget=1/2,sinks=3,window=1"];
        foreach (string text in texts)
        {
            SelectionClock clock = Clock(text);
            for (int context = 1; context < 400; context++)
            {
                AttentionStep step = clock.Decode(context);
                if (!step.Reads)
                    continue;
                Assert.True(step.WindowStart >= step.Sinks);
                Assert.True(step.WindowStart < context); // the current token is always read
                Assert.True(step.Critical >= 0);
                Assert.True(step.TokensRead < context);
            }
        }
    }

    private static SelectionClock Clock(string text)
    {
        AttentionPreset preset = AttentionPreset.Parse(text);
        return new SelectionClock(new AttentionPolicy(preset, SharingPlan.Independent(4, 2) with { Interval = preset.Ratios.Interval }));
    }
}
