/* Texts to token ids. A word is a run of a-z and 0-9; Python has made the letters small. */

#include <string.h>

#include "novelty.h"

#define FIRST_TABLE 4096

static const char IS_LETTER[256] = {
    ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1,
    ['8'] = 1, ['9'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1,
    ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1,
    ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1,
    ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

static uint64_t hash_of(const char *word, size_t length)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)word[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

static uint64_t word_start(const Words *words, uint32_t id)
{
    return id ? words->ends[id - 1] : 0;
}

/* The place of a word in the table, or the free one where it belongs. */
static size_t slot_of(const Words *words, const char *word, size_t length)
{
    size_t slot = hash_of(word, length) & (words->table_size - 1);
    for (; words->table[slot]; slot = (slot + 1) & (words->table_size - 1)) {
        uint32_t id = words->table[slot] - 1;
        uint64_t start = word_start(words, id);
        if (words->ends[id] - start == length && !memcmp(words->letters + start, word, length))
            break;
    }
    return slot;
}

static void widen(Words *words)
{
    size_t room = 0;
    uint32_t *before = words->table;
    words->table_size = words->table_size ? 2 * words->table_size : FIRST_TABLE;
    words->table = grown(NULL, words->table_size, &room, sizeof *words->table);
    for (uint32_t id = 0; id < words->count; id++) {
        uint64_t start = word_start(words, id);
        words->table[slot_of(words, words->letters + start, words->ends[id] - start)] = id + 1;
    }
    grown(before, 0, NULL, 0);
}

/* The id of a word; a new one gets the next. */
uint32_t word_id(Words *words, const char *word, size_t length)
{
    if (2 * (size_t)words->count >= words->table_size)
        widen(words);
    size_t slot = slot_of(words, word, length);
    if (words->table[slot])
        return words->table[slot] - 1;
    uint32_t id = words->count++;
    uint64_t start = word_start(words, id);
    GROW(words->letters, start + length);
    memcpy(words->letters + start, word, length);
    GROW(words->ends, id + 1);
    words->ends[id] = start + length;
    GROW(words->counts_as, id + 1);
    words->counts_as[id] = NONE;
    words->table[slot] = id + 1;
    return id;
}

static uint32_t met(Index *index, const char *word, size_t length)
{
    Words *words = &index->words;
    uint32_t id = word_id(words, word, length);
    if (words->counts_as[id] != NONE)
        return id;
    words->counts_as[id] = id;
    if (index->stem && length > 3) { /* rouge_score leaves shorter words as they are */
        GROW(words->unstemmed, words->unstemmed_count + 1);
        words->unstemmed[words->unstemmed_count++] = id;
        words->counts_as[id] = WAITING;
    }
    return id;
}

/* Texts with a zero byte between them; those read before are forgotten. */
void read_texts(Index *index, const char *text, size_t length)
{
    uint64_t count = 0;
    index->read_count = 0;
    for (size_t i = 0;; i++) {
        size_t start = i;
        while (i < length && IS_LETTER[(unsigned char)text[i]])
            i++;
        if (i > start) {
            uint32_t id = met(index, text + start, i - start);
            GROW(index->read, count + 1);
            index->read[count++] = id;
        }
        if (i >= length || !text[i]) {
            GROW(index->read_ends, index->read_count + 1);
            index->read_ends[index->read_count++] = count;
        }
        if (i >= length)
            return;
    }
}

/* Makes one of the texts that were read the one that is asked about or added. */
void take(Index *index, uint32_t text)
{
    Query *query = &index->query;
    uint64_t start = text ? index->read_ends[text - 1] : 0;
    query->n = (uint32_t)(index->read_ends[text] - start);
    GROW(query->tokens, query->n);
    for (uint32_t i = 0; i < query->n; i++)
        query->tokens[i] = index->words.counts_as[index->read[start + i]];
    query->signature = signature_of(query->tokens, query->n);
    GROW(index->places, index->words.count);
    GROW(index->ranks, index->words.count);
    GROW(index->postings, index->words.count);
}
