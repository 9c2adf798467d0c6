/* The longest common subsequence of the query and a text, and bounds on it. */

#include <string.h>

#include "novelty.h"

/* ROUGE-L F as rouge_score computes it: the same operations in double precision, as 2PR/(P + R)
   can land on either side of a threshold that 2 common / (m + n) meets exactly. */
double score(uint32_t common, uint32_t m, uint32_t n)
{
    if (!common)
        return 0.0;
    double precision = (double)common / n, recall = (double)common / m;
    return 2 * precision * recall / (precision + recall);
}

/* The fewest common tokens whose score is above the bar (or at least the bar); more than m or n
   where there are none. */
uint32_t least_common(double bar, int above, uint32_t m, uint32_t n)
{
    uint32_t most = m < n ? m : n;
    double guess = bar * ((double)m + n) / 2 - 1;
    uint32_t common = guess > 0 ? (uint32_t)guess : 0;
    while (common <= most) {
        double reached = score(common, m, n);
        if (above ? reached > bar : reached >= bar)
            break;
        common++;
    }
    return common;
}

/* Tokens that stand at a bit of one signature and not of the other are in one text only, so
   common <= n - popcount(one & ~other), whatever the order and however often they occur. */
Signature signature_of(const uint32_t *tokens, uint32_t n)
{
    Signature found = {0, 0};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t hash = (tokens[i] * 2654435769u) >> 25;
        if (hash < WORD_BITS)
            found.low |= 1ull << hash;
        else
            found.high |= 1ull << (hash - WORD_BITS);
    }
    return found;
}

static uint32_t blocks_of(uint32_t n)
{
    return (n + WORD_BITS - 1) / WORD_BITS;
}

/* Where each token stands in the query, as bits. */
void places_on(Index *index)
{
    Query *query = &index->query;
    if (query->n <= WORD_BITS) {
        for (uint32_t i = 0; i < query->n; i++)
            index->places[query->tokens[i]] |= 1ull << i;
        return;
    }
    size_t blocks = blocks_of(query->n), rows = 0;
    GROW(query->state, blocks);
    for (uint32_t i = 0; i < query->n; i++)
        if (!index->places[query->tokens[i]])
            index->places[query->tokens[i]] = ++rows;
    GROW(query->rows, rows * blocks);
    memset(query->rows, 0, rows * blocks * sizeof *query->rows);
    for (uint32_t i = 0; i < query->n; i++) {
        uint64_t *row = query->rows + (index->places[query->tokens[i]] - 1) * blocks;
        row[i / WORD_BITS] |= 1ull << i % WORD_BITS;
    }
}

void places_off(Index *index)
{
    for (uint32_t i = 0; i < index->query.n; i++)
        index->places[index->query.tokens[i]] = 0;
}

/* Bit-parallel, with a carry from block to block: a zero bit of the state is a place of the query
   where the common subsequence of what was seen so far grows by one. */
static uint32_t common_of_long(const Index *index, const uint32_t *tokens, uint32_t m)
{
    const Query *query = &index->query;
    uint32_t blocks = blocks_of(query->n), common = 0;
    uint64_t *state = query->state;
    memset(state, 0xff, blocks * sizeof *state);
    for (uint32_t i = 0; i < m; i++) {
        uint64_t row_number = index->places[tokens[i]], carry = 0;
        if (!row_number)
            continue;
        const uint64_t *row = query->rows + (row_number - 1) * blocks;
        for (uint32_t k = 0; k < blocks; k++) {
            uint64_t here = state[k] & row[k], sum = state[k] + here, all = sum + carry;
            carry = (sum < here) | (all < sum);
            state[k] = all | (state[k] - here);
        }
    }
    for (uint32_t k = 0; k < blocks; k++) {
        uint32_t bits = k + 1 < blocks ? WORD_BITS : query->n - k * WORD_BITS;
        common += (uint32_t)__builtin_popcountll(~state[k] & (~0ull >> (WORD_BITS - bits)));
    }
    return common;
}

uint32_t common_with(const Index *index, uint32_t text)
{
    const uint32_t *tokens = index->tokens + start_of(index, text);
    uint32_t m = length_of(index, text), n = index->query.n;
    if (!n)
        return 0;
    if (n > WORD_BITS)
        return common_of_long(index, tokens, m);
    uint64_t state = ~0ull;
    for (uint32_t i = 0; i < m; i++) {
        uint64_t here = state & index->places[tokens[i]];
        state = (state + here) | (state - here);
    }
    return (uint32_t)__builtin_popcountll(~state & (~0ull >> (WORD_BITS - n)));
}
