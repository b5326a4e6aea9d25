namespace HShare.AI.Engine.Tokenization;

/// <summary>A token that is looked for in the text itself, before anything is split or merged.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its characters.</param>
/// <param name="Special">Whether it steers the model (a turn's border) and so must not be written by users.</param>
/// <param name="Normalized">Whether it is looked for in the normalised text, in its normalised form.</param>
/// <param name="SingleWord">Whether it only counts where no word character touches it.</param>
/// <param name="StripLeft">Whether it swallows the white space before it.</param>
/// <param name="StripRight">Whether it swallows the white space behind it.</param>
internal sealed record AddedToken(
    int Id, string Content, bool Special, bool Normalized, bool SingleWord, bool StripLeft, bool StripRight)
{
    /// <summary>Reads one entry of <c>added_tokens</c>.</summary>
    public static AddedToken Read(JsonPart part) => new(
        part.Integer("id"), part.Text("content"), part.Flag("special"), part.Flag("normalized"),
        part.Flag("single_word"), part.Flag("lstrip"), part.Flag("rstrip"));
}
