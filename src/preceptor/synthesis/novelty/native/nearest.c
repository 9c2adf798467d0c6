/* The most similar of all texts. Signatures bound the score of each; the most promising are looked
   at first, then those that can still reach what was found. */

#include <string.h>

#include "novelty.h"

#define STEPS 255
#define PROMISING 256

INLINE uint32_t bound(const Index *index, uint32_t text, uint32_t m)
{
    Signature one = index->query.signature, other = index->signatures[text];
    uint32_t n = index->query.n;
    uint32_t only_query = (uint32_t)__builtin_popcountll(one.low & ~other.low)
                          + (uint32_t)__builtin_popcountll(one.high & ~other.high);
    uint32_t only_text = (uint32_t)__builtin_popcountll(other.low & ~one.low)
                         + (uint32_t)__builtin_popcountll(other.high & ~one.high);
    return n - only_query < m - only_text ? n - only_query : m - only_text;
}

/* Texts by what their signature allows, rounded down to 255ths. */
WITH_POPCOUNT static void bound_all(Index *index, uint32_t *counts)
{
    GROW(index->scales, index->longest + 1);
    for (uint32_t m = 0; m <= index->longest; m++)
        index->scales[m] = 2.0f * (STEPS - 1) / ((float)m + (float)index->query.n);
    GROW(index->bounds, index->count);
    for (uint32_t text = 0; text < index->count; text++) {
        uint32_t m = length_of(index, text);
        uint8_t step = (uint8_t)((float)bound(index, text, m) * index->scales[m]);
        index->bounds[text] = step;
        counts[step]++;
    }
}

/* Looks at the texts of these steps that can reach the best so far. */
WITH_POPCOUNT static void look(Index *index, int from, int to, uint32_t *best, double *reached)
{
    for (uint32_t text = 0; text < index->count; text++) {
        if (index->bounds[text] < from || index->bounds[text] >= to)
            continue;
        uint32_t m = length_of(index, text), n = index->query.n;
        if (score(bound(index, text, m), m, n) < *reached)
            continue;
        double here = score(common_with(index, text), m, n);
        if (here > *reached || (here == *reached && text < *best)) {
            *best = text;
            *reached = here;
        }
    }
}

/* The text of the highest score, the first added among equals; there is at least one text. */
uint32_t nearest_of_all(Index *index, double *found)
{
    uint32_t counts[STEPS + 1] = {0}, best = 0, promising = 0;
    *found = 0.0;
    if (!index->query.n)
        return best;
    bound_all(index, counts);
    int from = STEPS + 1;
    while (from > 0 && promising < PROMISING)
        promising += counts[--from];
    places_on(index);
    look(index, from, STEPS + 1, &best, found);
    int reachable = (int)(*found * (STEPS - 1)) - 1; /* one step for rounding */
    if (from > 0 && reachable < from)
        look(index, reachable, from, &best, found);
    places_off(index);
    return best;
}
