using System.ComponentModel;
using Microsoft.SemanticKernel;
using Samples.Shared;

namespace SemanticKernelAgent;

/// <summary>Searches a document. As plugin "search" its function is shown to the model as <c>search_documents</c>.</summary>
internal sealed class SearchPlugin(LongDocument document)
{
    [KernelFunction("documents"), Description("Search the indexed documents.")]
    public string Search([Description("What to look for.")] string query) => document.Search(query);
}

/// <summary>Stands in for a weather service. As plugin "get" its function is shown to the model as <c>get_weather</c>.</summary>
internal sealed class WeatherPlugin
{
    [KernelFunction("weather"), Description("Get the current weather in a city.")]
    public static string GetWeather([Description("The city.")] string city) =>
        $$"""{"temperature": {{10 + city.Length}}, "condition": "windy"}""";
}
