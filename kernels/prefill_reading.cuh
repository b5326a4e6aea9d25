// Which tokens a tile of queries reads, in which order: everything up to each row's position, or the last `window` tokens of it; with
// DISTANT=1 (PoD) a follower's distant tokens, its sinks and its recent tokens, one part after the other.
#pragma once
#include "prefill.cuh"

enum Part { WHOLE, SINKS, RECENT, DISTANT_TOKENS, END };

// What a block reads, in order: the next tile of keys.
struct Cursor
{
    Part part;
    int start; // of the tile
    int end;   // of the part
};

struct Reading
{
    int window;
    int sinks;
    int recent;

    // The tokens of a part that a row at some position sees.
    __device__ __forceinline__ Interval visible(Part part, int position) const
    {
        Interval all = { window > 0 ? max(0, position - window + 1) : 0, position + 1 };
#if DISTANT
        int border = max(sinks, position - recent + 1); // the first recent token
        if (part == SINKS)
            return { 0, min(sinks, position + 1) };
        if (part == DISTANT_TOKENS)
            return { sinks, border };
        if (part == RECENT)
            return { border, max(border, position + 1) };
#endif
        return all;
    }

    // The first tile of a part, or of the next that any of the rows from position first to position last sees.
    __device__ __forceinline__ Cursor begin(Part part, int first, int last) const
    {
        Cursor cursor = { part, visible(part, first).first & -KEY_TILE, visible(part, last).end };
#if DISTANT
        while (cursor.part != END && visible(cursor.part, first).first >= cursor.end)
        {
            cursor.part = cursor.part == DISTANT_TOKENS ? SINKS : cursor.part == SINKS ? RECENT : END;
            cursor.start = visible(cursor.part, first).first & -KEY_TILE;
            cursor.end = visible(cursor.part, last).end;
        }
#endif
        return cursor;
    }

    __device__ __forceinline__ void advance(Cursor& cursor, int first, int last) const
    {
        cursor.start += KEY_TILE;
        if (cursor.start < cursor.end)
            return;
#if DISTANT
        if (cursor.part == DISTANT_TOKENS || cursor.part == SINKS)
        {
            cursor = begin(cursor.part == DISTANT_TOKENS ? SINKS : RECENT, first, last);
            return;
        }
#endif
        cursor.part = END;
    }
};
