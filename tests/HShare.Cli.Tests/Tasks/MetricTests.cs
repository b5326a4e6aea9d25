using HShare.Cli.Evaluation.Metrics;

namespace HShare.Cli.Tests.Tasks;

public sealed class MetricTests
{
    [Theory]
    [InlineData("The Cat sat.", "a cat sat", 1)] // articles, case and punctuation do not count
    [InlineData("cat sat on", "cat ran", 0.4)] // 1 common: p 1/3, r 1/2
    [InlineData("cat cat cat", "cat cat dog", 2 / 3.0)] // a word counts as often as both have it
    [InlineData("well-known", "wellknown", 1)] // punctuation goes without a trace
    [InlineData("dog", "cat", 0)]
    [InlineData("", "cat", 0)]
    [InlineData("the", "the", 0)] // nothing is left of either
    public void F1_is_the_overlap_of_normalised_words(string answer, string reference, double expected) =>
        Assert.Equal(expected, F1.Score(answer, reference), 12);

    [Fact]
    public void Normalising_takes_articles_as_words_only()
    {
        Assert.Equal("theory of banana", F1.Normalize("  The theory,\n of a (banana)! "));
    }

    [Theory]
    [InlineData("The answer!", "answer", 1)]
    [InlineData("The answers", "answer", 0)]
    public void Exact_match_compares_normalised_texts(string answer, string reference, double expected) =>
        Assert.Equal(expected, ExactMatch.Score(answer, reference));

    [Theory]
    [InlineData("It was founded by HELENA\n Voss, they say.", "Helena Voss", 1)] // case and white space do not count
    [InlineData("It costs 14 euros.", "14", 1)]
    [InlineData("It costs 140 euros.", "14", 0)]
    [InlineData("It costs 14.50 euros.", "14", 0)]
    [InlineData("It costs 3,14 euros.", "14", 0)]
    [InlineData("It costs €14.", "€14", 1)]
    [InlineData("Yes, noted.", "no", 0)] // whole words
    [InlineData("The port is 8440.", "8440.", 1)]
    [InlineData("", "no", 0)]
    public void An_accepted_span_stands_in_the_answer_as_whole_words(string answer, string span, double expected) =>
        Assert.Equal(expected, AcceptedSpans.Score(answer, ["nowhere to be found", span]));

    [Theory]
    [InlineData("the cat sat on the mat", "the cat sat on a mat", 10 / 11.0)] // "the" counts once: U 5, R 6, A 5
    [InlineData("w1 w2 w6 w7 w8. w1 w3 w8 w9 w5", "w1 w2 w3 w4 w5", 8 / 13.0)] // U 4, R 5, A 8
    [InlineData("b a", "a b", 0.5)] // one of the two in order
    [InlineData("a b. c d. ", "c d. a b", 8 / 9.0)] // order of sentences does not count; the blank behind is a word of its own: A 5
    [InlineData("Cat", "cat", 0)]
    [InlineData("", "cat", 0)]
    [InlineData("...", "cat", 0)]
    public void Rouge_l_is_over_distinct_words_of_sentence_pairs(string answer, string reference, double expected) =>
        Assert.Equal(expected, RougeL.Score(answer, reference), 7);

    [Fact]
    public void Rouge_l_takes_the_common_subsequence_found_from_behind()
    {
        // Reference sentence "a b" with "b a" and with "a": walking back from "b a" finds "a" or "b"; the package's walk takes "b"
        // (of equal lengths it moves in the answer), so that both words are in U.
        Assert.Equal(1, RougeL.Score("b a. a", "a b"), 7);
    }

    [Fact]
    public void Classification_counts_the_classes_named()
    {
        string[] classes = ["Date", "City", "Other location", "location", "Animal"];

        Assert.Equal(1, Classification.Score("Type: City", "City", classes));
        Assert.Equal(0.5, Classification.Score("City or Animal", "City", classes));
        Assert.Equal(0, Classification.Score("Animal", "City", classes));
        Assert.Equal(0, Classification.Score("", "City", classes));
        Assert.Equal(1, Classification.Score("Other location", "Other location", classes)); // "location" is a part of the right name
        Assert.Equal(0.5, Classification.Score("Other location", "location", classes));
    }

    [Fact]
    public void Classification_skips_the_class_behind_a_removed_one()
    {
        Assert.Equal(0.5, Classification.Score("abc", "abc", ["a", "b", "abc"])); // "b" stays since "a" went
    }

    [Theory]
    [InlineData("5", "5", 1)]
    [InlineData("It is 5, not 6.", "5", 0.5)]
    [InlineData("55", "5", 0)]
    [InlineData("five", "5", 0)]
    public void Count_is_the_share_of_right_numbers(string answer, string reference, double expected) =>
        Assert.Equal(expected, CountScore.Score(answer, reference));

    [Fact]
    public void Retrieval_is_the_share_of_right_paragraph_numbers()
    {
        Assert.Equal(1, RetrievalScore.Score("Paragraph 12", "Paragraph 12"));
        Assert.Equal(1 / 3.0, RetrievalScore.Score("1, 2 or 12", "Paragraph 12"));
        Assert.Equal(0, RetrievalScore.Score("none", "Paragraph 12"));
        Assert.Throws<ArgumentException>(() => RetrievalScore.Score("12", "12"));
    }

    [Theory]
    [InlineData("\n\n# a comment\nreturn a;", "return b;", 0.89)] // 8 of 9 characters: 16/18
    [InlineData("```\nx = 1", "x = 1", 1)]
    [InlineData("// only\n# comments", "x = 1", 0)]
    [InlineData("abc", "xyz", 0)]
    public void Code_similarity_compares_the_first_line_of_code(string answer, string reference, double expected) =>
        Assert.Equal(expected, CodeSimilarity.Score(answer, reference));

    [Theory]
    [InlineData("So it is 3.\n#### 1,234\n#### 5", "1234", "5")]
    [InlineData("He pays $1,234.50.", null, "1234.50")]
    [InlineData("It drops by -7 degrees", null, "-7")]
    [InlineData("#### -12.", "-12", "-12")]
    [InlineData("####12", null, "12")] // the blank is part of the mark
    [InlineData("18...", null, "18..")] // one dot goes, as in the harness
    [InlineData("no number", null, null)]
    public void Math_answers_are_found_strictly_and_flexibly(string text, string? strict, string? flexible)
    {
        Assert.Equal(strict, MathAnswer.Strict(text));
        Assert.Equal(flexible, MathAnswer.Flexible(text));
    }

    [Fact]
    public void String_match_counts_all_references_or_any()
    {
        Assert.Equal(2 / 3.0, StringMatch.All("abc and DEF", ["ABC", "def", "ghi"]), 12);
        Assert.Equal(1, StringMatch.Part("abc", ["x", "ABC"]));
        Assert.Equal(0, StringMatch.Part("abc", ["x", "y"]));
    }
}
