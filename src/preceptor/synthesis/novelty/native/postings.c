/* The texts above a threshold. Of two texts that share so many tokens, the rarest shared one is
   among the first of each, in one order of all tokens: only those are indexed and looked up
   (prefix filter), and only as deep as the two lengths allow (position filter, as in PPJoin). */

#include <stdlib.h>

#include "novelty.h"

#define SORT_BY_INSERTION 64
#define ORDER_ANEW_AFTER 256
#define KNOWN 0x80000000u

static int compared(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort(uint64_t *keys, uint32_t n)
{
    if (n > SORT_BY_INSERTION) {
        qsort(keys, n, sizeof *keys, compared);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        uint64_t key = keys[i];
        uint32_t k = i;
        for (; k && keys[k - 1] > key; k--)
            keys[k] = keys[k - 1];
        keys[k] = key;
    }
}

/* The query's tokens, rarest first. Tokens that came since the order was made are before all
   others, the latest first. */
static void order(Index *index, const uint32_t *tokens, uint32_t n)
{
    for (; index->ranked < index->words.count; index->ranked++)
        index->ranks[index->ranked] = KNOWN - 1 - index->ranked;
    GROW(index->query.ordered, n);
    for (uint32_t i = 0; i < n; i++)
        index->query.ordered[i] = (uint64_t)index->ranks[tokens[i]] << 32 | tokens[i];
    sort(index->query.ordered, n);
}

/* Lengths of the shortest and longest text that can be above the bar beside one of n tokens. */
static uint32_t shortest_partner(double bar, uint32_t n)
{
    double guess = bar * n / (2 - bar) - 1;
    uint32_t m = guess > 1 ? (uint32_t)guess : 1;
    while (score(m < n ? m : n, m, n) <= bar)
        m++;
    return m;
}

static uint32_t longest_partner(double bar, uint32_t n, uint32_t longest)
{
    double guess = n * (2 - bar) / bar + 2;
    uint32_t m = guess < longest ? (uint32_t)guess : longest;
    while (m > n && score(n, m, n) <= bar)
        m--;
    return m;
}

static uint16_t short_of(uint32_t value)
{
    return (uint16_t)(value < LONG ? value : LONG);
}

/* Enters a text at each of its rarest tokens, as many as the lowest threshold asks for. */
static void enter(Index *index, uint32_t text)
{
    uint32_t n = length_of(index, text);
    if (!n)
        return;
    order(index, index->tokens + start_of(index, text), n);
    Signature signature = index->signatures[text];
    Posting posting = {signature.low | signature.high, text, short_of(n), 0};
    uint32_t last = n - shortest_partner(index->floor, n);
    for (uint32_t i = 0; i <= last; i++) {
        if (i && index->query.ordered[i] == index->query.ordered[i - 1])
            continue;
        Postings *list = &index->postings[(uint32_t)index->query.ordered[i]];
        GROW(list->items, list->count + 1);
        posting.place = short_of(i);
        list->items[list->count++] = posting;
    }
}

/* A new order of tokens by how often they occur, and all texts entered by it. */
static void order_anew(Index *index, double floor)
{
    uint32_t count = index->words.count;
    size_t room = 0;
    uint64_t *keys = grown(NULL, count, &room, sizeof *keys);
    for (uint32_t token = 0; token < count; token++) {
        keys[token] = token;
        index->postings[token].count = 0;
    }
    uint64_t tokens = index->count ? index->ends[index->count - 1] : 0;
    for (uint64_t i = 0; i < tokens; i++)
        keys[index->tokens[i]] += 1ull << 32;
    qsort(keys, count, sizeof *keys, compared);
    for (uint32_t place = 0; place < count; place++)
        index->ranks[(uint32_t)keys[place]] = KNOWN + place;
    grown(keys, 0, NULL, 0);
    index->ranked = count;
    index->floor = floor;
    index->ordered_at = index->count;
    for (uint32_t text = 0; text < index->count; text++)
        enter(index, text);
}

void postings_add(Index *index, uint32_t text)
{
    if (index->floor < 1)
        enter(index, text);
}

/* What the search has found, and what a text needs to be better. */
typedef struct {
    uint32_t text;
    double score;
    uint32_t shortest, longest, deepest;
} Search;

/* Common tokens that are needed, by length; the deepest place where one can be the first. */
static void set_bar(Index *index, Search *search)
{
    uint32_t n = index->query.n;
    search->deepest = 0;
    GROW(index->least, search->longest - search->shortest + 1);
    for (uint32_t m = search->shortest; m <= search->longest; m++) {
        uint32_t least = least_common(search->score, search->text == NONE, m, n);
        index->least[m - search->shortest] = least;
        if (least <= n && n - least > search->deepest)
            search->deepest = n - least;
    }
}

/* Looks at the texts that have a token, which is the query's i-th; returns whether to go on. */
INLINE int look(Index *index, Search *search, const Postings *list, uint32_t i, int any)
{
    Signature whole = index->query.signature;
    uint64_t signature = whole.low | whole.high;
    uint32_t n = index->query.n;
    for (uint32_t k = 0; k < list->count; k++) {
        Posting one = list->items[k];
        uint32_t m = one.length < LONG ? one.length : length_of(index, one.text);
        if (m < search->shortest || m > search->longest)
            continue;
        uint32_t least = index->least[m - search->shortest];
        if (i + least > n || one.place + least > m)
            continue;
        uint32_t only_query = (uint32_t)__builtin_popcountll(signature & ~one.signature);
        uint32_t only_text = (uint32_t)__builtin_popcountll(one.signature & ~signature);
        if (only_query + least > n || only_text + least > m)
            continue;
        if (index->asked[one.text] == index->question)
            continue;
        index->asked[one.text] = index->question;
        uint32_t common = common_with(index, one.text);
        if (common < least)
            continue;
        double reached = score(common, m, n);
        if (search->text != NONE && reached == search->score && one.text > search->text)
            continue;
        search->text = one.text;
        search->score = reached;
        if (any)
            return 0;
        set_bar(index, search);
    }
    return 1;
}

/* The text of the highest score above the threshold, the first added among equals (any one that
   is above, where any is enough), or NONE. The threshold is above 0. */
WITH_POPCOUNT uint32_t postings_search(Index *index, double threshold, int any, double *found)
{
    Query *query = &index->query;
    if (!query->n || threshold >= 1)
        return NONE;
    if (threshold < index->floor || index->count > 2 * index->ordered_at + ORDER_ANEW_AFTER)
        order_anew(index, threshold < index->floor ? threshold : index->floor);
    Search search = {NONE, threshold, shortest_partner(threshold, query->n), 0, 0};
    search.longest = longest_partner(threshold, query->n, index->longest);
    if (search.longest < search.shortest)
        return NONE;
    order(index, query->tokens, query->n);
    GROW(index->asked, index->count);
    if (!++index->question) { /* questions wrapped around: no text was asked about yet */
        for (uint32_t text = 0; text < index->count; text++)
            index->asked[text] = 0;
        index->question = 1;
    }
    set_bar(index, &search);
    places_on(index);
    for (uint32_t i = 0; i < query->n && i <= search.deepest; i++) {
        if (i && query->ordered[i] == query->ordered[i - 1])
            continue;
        if (!look(index, &search, &index->postings[(uint32_t)query->ordered[i]], i, any))
            break;
    }
    places_off(index);
    *found = search.score;
    return search.text;
}
