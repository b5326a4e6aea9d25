// What the lanes of a warp do together, done for all of them by the last to arrive.
#include "runtime.h"
#include <cstring>

#define FASTEST __attribute__((target_clones("arch=haswell", "default")))

namespace
{
    inline float bits_as_float(unsigned bits)
    {
        float value;
        memcpy(&value, &bits, 4);
        return value;
    }

    struct Bf16
    {
        static float decode(unsigned short bits) { return bits_as_float((unsigned)bits << 16); }
    };

    struct F16
    {
        static float decode(unsigned short bits)
        {
            unsigned sign = (bits & 0x8000u) << 16, magnitude = (bits & 0x7fffu) << 13;
            float finite = bits_as_float(magnitude) * 0x1p112f;
            unsigned finite_bits;
            memcpy(&finite_bits, &finite, 4);
            return bits_as_float(sign | (magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : finite_bits));
        }
    };

    typedef float Row __attribute__((vector_size(32), aligned(4)));

    // c[16, 8] += a[16, 16] b[16, 8]; where a lane's elements lie is told in device.cuh.
    template <typename T> __attribute__((always_inline)) inline void multiply(EmulatedSlot* slots)
    {
        unsigned short a16[16][16], b16[16][8];
        float a[16][16], b[16][8], c[16][8];
        for (int lane = 0; lane < 32; lane++)
        {
            int g = lane / 4, t = lane % 4;
            const auto& m = slots[lane].mma;
            for (int i = 0; i < 4; i++)
            {
                int row = g + i % 2 * 8, column = 2 * t + i / 2 * 8;
                a16[row][column] = (unsigned short)m.a[i];
                a16[row][column + 1] = (unsigned short)(m.a[i] >> 16);
            }
            for (int i = 0; i < 2; i++)
            {
                b16[2 * t + 8 * i][g] = (unsigned short)m.b[i];
                b16[2 * t + 8 * i + 1][g] = (unsigned short)(m.b[i] >> 16);
            }
            for (int i = 0; i < 4; i++)
                c[g + i / 2 * 8][2 * t + i % 2] = m.c[i];
        }
        for (int i = 0; i < 256; i++)
            (&a[0][0])[i] = T::decode((&a16[0][0])[i]);
        for (int i = 0; i < 128; i++)
            (&b[0][0])[i] = T::decode((&b16[0][0])[i]);
        for (int i = 0; i < 16; i++)
        {
            Row sum;
            memcpy(&sum, c[i], sizeof sum);
            for (int k = 0; k < 16; k++)
                sum += a[i][k] * *(const Row*)b[k];
            memcpy(c[i], &sum, sizeof sum);
        }
        for (int lane = 0; lane < 32; lane++)
            for (int i = 0; i < 4; i++)
                slots[lane].mma.c[i] = c[lane / 4 + i / 2 * 8][2 * (lane % 4) + i % 2];
    }

    FASTEST void multiply_bf16(EmulatedSlot* slots) { multiply<Bf16>(slots); }
    FASTEST void multiply_f16(EmulatedSlot* slots) { multiply<F16>(slots); }

    // Matrix i / 8's row i % 8 lies where lane i says.
    void load_matrices(EmulatedSlot* slots, bool transposed)
    {
        unsigned short m[4][8][8];
        for (int lane = 0; lane < 32; lane++)
            memcpy(m[lane / 8][lane % 8], slots[lane].matrices.row, 16);
        for (int lane = 0; lane < 32; lane++)
        {
            int g = lane / 4, t = lane % 4;
            for (int i = 0; i < 4; i++)
            {
                unsigned first = transposed ? m[i][2 * t][g] : m[i][g][2 * t];
                unsigned second = transposed ? m[i][2 * t + 1][g] : m[i][g][2 * t + 1];
                slots[lane].matrices.r[i] = first | second << 16;
            }
        }
    }

    void vote(EmulatedWarp& warp)
    {
        unsigned votes = 0;
        for (int lane = 0; lane < 32; lane++)
            if (warp.arrived >> lane & 1)
                votes |= warp.slots[lane].vote << lane;
        for (int lane = 0; lane < 32; lane++)
            warp.slots[lane].vote = votes;
    }
}

namespace emulated
{
    void finish_meeting(EmulatedWarp& warp)
    {
        switch (warp.meeting)
        {
            case MEET_VOTE: vote(warp); break;
            case MEET_LOAD_MATRICES: load_matrices(warp.slots, false); break;
            case MEET_LOAD_MATRICES_TRANSPOSED: load_matrices(warp.slots, true); break;
            case MEET_MMA_BF16: multiply_bf16(warp.slots); break;
            case MEET_MMA_F16: multiply_f16(warp.slots); break;
        }
    }
}
