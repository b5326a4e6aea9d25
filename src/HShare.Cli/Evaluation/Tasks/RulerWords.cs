namespace HShare.Cli.Evaluation.Tasks;

/// <summary>Keys and values for RULER's needles: 22,984 keys of an adjective and a noun, and numbers of seven digits.</summary>
internal static class RulerWords
{
    private const string Adjectives = """
        able amber ancient ample autumn azure bold brave brief bright broad calm candid careful civil clean clever coarse cosmic crisp
        curious daring deep dense distant double eager early earnest elder even fabled faint fair famous fierce final firm fluent fond
        formal frank fresh frozen gentle giant glad golden grand grave hardy hasty hidden hollow honest humble idle inner ivory jolly
        keen kind large late lively lofty lone loud loyal lucid major mellow merry mild minor modest narrow neat noble northern odd open
        outer pale patient plain polite prime proud quick quiet rapid rare ready regal robust round royal rustic sacred secret sharp
        silent simple sincere sleek slender smooth solemn sound southern spare steady stern stout subtle sudden sunny supple sure swift
        tender thrifty tidy tiny tranquil upper urban vast vivid wary western wild wise witty young
        """;

    private const string Nouns = """
        acorn anchor anvil apron arch arrow badge bakery balcony barrel basket beacon bell bench blanket blossom border bottle branch
        bridge broom bucket button cabin camel candle canoe canyon carpet castle cellar chapel cherry chimney circle cliff clock cloud
        coast compass copper coral corner cottage cradle creek crown curtain daisy desert diary dolphin door dragon drum eagle engine
        falcon feather ferry fiddle field flag flute forest fountain fox garden gate glacier glove goose grape hammer harbor harp hedge
        heron hill horizon island ivy jacket jewel journal kettle kite ladder lagoon lake lamp lantern library lily lion lobster magnet
        maple marble market meadow mirror monument mountain mule museum needle oak oasis ocean orchard otter oven owl paddle palace
        parrot pebble pencil pepper piano pillow planet plaza pocket pond porch prairie quarry quilt rabbit raft raven ribbon river
        rocket rope saddle sailor shadow shell shore signal spoon spring stable statue stone stream sunset table temple thimble ticket
        tower trumpet tunnel turtle valley velvet village violin wagon walnut whistle willow window winter zebra
        """;

    private static readonly string[] AllAdjectives = Adjectives.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    private static readonly string[] AllNouns = Nouns.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Draws a key, such as <c>quiet-lantern</c>.</summary>
    public static string Key(Draws draws) => $"{draws.Of(AllAdjectives)}-{draws.Of(AllNouns)}";

    /// <summary>Draws a number from 1000000 to 9999999.</summary>
    public static string Number(Draws draws) => $"{1_000_000 + draws.Below(9_000_000)}";
}
