/* What Python calls: see library.py. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "novelty.h"

#define SCAN_BELOW 0.3 /* so low a threshold leaves the postings nothing to leave out */

void *grown(void *block, size_t need, size_t *room, size_t item)
{
    if (!room) {
        free(block);
        return NULL;
    }
    if (need <= *room)
        return block;
    size_t more = *room < 2 ? 2 : *room + *room / 2;
    if (more < need)
        more = need;
    block = realloc(block, more * item);
    if (!block) {
        fputs("out of memory in the novelty index: use fewer texts or more memory\n", stderr);
        abort();
    }
    memset((char *)block + *room * item, 0, (more - *room) * item);
    *room = more;
    return block;
}

API Index *novelty_new(int stem)
{
    size_t room = 0;
    Index *index = grown(NULL, 1, &room, sizeof *index);
    index->stem = stem;
    index->floor = 2;
    return index;
}

API void novelty_free(Index *index)
{
    for (size_t token = 0; token < index->postings_room; token++)
        free(index->postings[token].items);
    void *blocks[] = {
        index->words.letters, index->words.ends, index->words.counts_as, index->words.table,
        index->words.unstemmed, index->read, index->read_ends, index->tokens, index->ends,
        index->signatures, index->query.tokens, index->query.ordered, index->query.rows,
        index->query.state, index->places, index->ranks, index->postings, index->asked,
        index->least, index->bounds, index->scales,
    };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    free(index);
}

/* Reads texts with a zero byte between them; returns how many words wait for their stem. */
API uint32_t novelty_read(Index *index, const char *texts, size_t length)
{
    read_texts(index, texts, length);
    return index->words.unstemmed_count;
}

/* The last word that waits for its stem; it is copied, without an end mark. */
API size_t novelty_unstemmed(const Index *index, char *word, size_t room)
{
    const Words *words = &index->words;
    uint32_t id = words->unstemmed[words->unstemmed_count - 1];
    uint64_t start = id ? words->ends[id - 1] : 0;
    size_t length = words->ends[id] - start;
    if (length <= room)
        memcpy(word, words->letters + start, length);
    return length;
}

API void novelty_stem(Index *index, const char *stem, size_t length)
{
    Words *words = &index->words;
    uint32_t id = words->unstemmed[--words->unstemmed_count];
    uint32_t token = word_id(words, stem, length); /* which may move what counts_as points to */
    words->counts_as[id] = token;
}

static void add(Index *index)
{
    Query *query = &index->query;
    uint32_t text = index->count++;
    uint64_t start = text ? index->ends[text - 1] : 0;
    GROW(index->tokens, start + query->n);
    if (query->n)
        memcpy(index->tokens + start, query->tokens, query->n * sizeof *query->tokens);
    GROW(index->ends, text + 1);
    index->ends[text] = start + query->n;
    GROW(index->signatures, text + 1);
    index->signatures[text] = query->signature;
    if (query->n > index->longest)
        index->longest = query->n;
    postings_add(index, text);
}

/* Adds the first text that was read. */
API void novelty_add(Index *index)
{
    take(index, 0);
    add(index);
}

/* The text most similar to the first that was read; there is at least one. */
API uint32_t novelty_nearest(Index *index, double *found)
{
    take(index, 0);
    return nearest_of_all(index, found);
}

static uint32_t above(Index *index, double threshold, int any, double *found)
{
    if (!index->count)
        return NONE;
    if (threshold >= SCAN_BELOW)
        return postings_search(index, threshold, any, found);
    uint32_t text = nearest_of_all(index, found);
    return *found > threshold ? text : NONE;
}

/* The same, or NONE where its score is not above the threshold. */
API uint32_t novelty_above(Index *index, double threshold, double *found)
{
    take(index, 0);
    return above(index, threshold, 0, found);
}

/* Adds each text that was read unless one that is there is above the threshold; says which. */
API void novelty_filter(Index *index, double threshold, uint8_t *kept)
{
    double found;
    for (uint32_t text = 0; text < index->read_count; text++) {
        take(index, text);
        kept[text] = above(index, threshold, 1, &found) == NONE;
        if (kept[text])
            add(index);
    }
}
