namespace HShare.AI.Tests.ChatTemplates;

/// <summary>A clock that stands still.</summary>
internal sealed class FixedClock(DateTimeOffset now) : TimeProvider
{
    /// <summary>7 March 2025, 9:05:04.</summary>
    public static FixedClock Instance { get; } = new(new DateTimeOffset(2025, 3, 7, 9, 5, 4, TimeSpan.Zero));

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => now;
}
