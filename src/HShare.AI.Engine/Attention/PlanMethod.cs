namespace HShare.AI.Engine.Attention;

/// <summary>By what followers and leaders are chosen.</summary>
public enum PlanMethod
{
    /// <summary>HShare's: overlap of the critical tokens (<see cref="GreedyPlanner"/>).</summary>
    Greedy,

    /// <summary>Attention mass recovered from the leader's critical tokens (<see cref="MassPlanner"/>).</summary>
    Mass,
}
