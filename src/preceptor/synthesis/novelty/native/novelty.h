/* Exact ROUGE-L F of a text against many: what docs/novelty.md describes.

   index.c      what Python calls
   words.c      texts to token ids
   overlap.c    longest common subsequence, and bounds on it
   postings.c   the texts above a threshold, by their rarest tokens
   nearest.c    the most similar of all texts, by signatures

   Nothing here is for several threads at once. Memory that cannot be had ends the process. */

#ifndef NOVELTY_H
#define NOVELTY_H

#include <stddef.h>
#include <stdint.h>

#define NONE UINT32_MAX
#define WAITING (UINT32_MAX - 1)
#define WORD_BITS 64

/* Population counts in one instruction where the processor has it; the loader chooses. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WITH_POPCOUNT __attribute__((target_clones("popcnt", "default")))
#else
#define WITH_POPCOUNT
#endif
#define API __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))

typedef struct {
    char *letters;    /* all words, end to end */
    size_t letters_room;
    uint64_t *ends;   /* of word i in letters */
    size_t ends_room;
    uint32_t *counts_as; /* the token that word i is: itself, or its stem; NONE, WAITING before */
    size_t counts_as_room;
    uint32_t *table;  /* word + 1 by hash, 0 where free; a power of two in size */
    size_t table_size;
    uint32_t count;
    uint32_t *unstemmed; /* words that wait to be told their stem */
    size_t unstemmed_room;
    uint32_t unstemmed_count;
} Words;

/* Bit h is set where a token of hash h stands in the text. */
typedef struct {
    uint64_t low, high;
} Signature;

/* A text at one of its rarest tokens. Lengths and places beyond LONG are written as LONG. */
typedef struct {
    uint64_t signature; /* low | high */
    uint32_t text;
    uint16_t length, place;
} Posting;

#define LONG UINT16_MAX

typedef struct {
    Posting *items;
    size_t items_room;
    uint32_t count;
} Postings;

/* The text that is asked about or added. */
typedef struct {
    uint32_t *tokens; /* n, in the order of the text */
    size_t tokens_room;
    uint64_t *ordered; /* n, rank << 32 | token, rarest first */
    size_t ordered_room;
    uint32_t n;
    Signature signature;
    uint64_t *rows; /* n > 64: a row of bits for each different token */
    size_t rows_room;
    uint64_t *state;
    size_t state_room;
} Query;

typedef struct {
    int stem;
    Words words;

    uint32_t *read; /* words of the texts read and not yet taken, end to end */
    size_t read_room;
    uint64_t *read_ends;
    size_t read_ends_room;
    uint32_t read_count;

    uint32_t *tokens; /* of all texts, end to end */
    size_t tokens_room;
    uint64_t *ends; /* of text i in tokens */
    size_t ends_room;
    Signature *signatures;
    size_t signatures_room;
    uint32_t count, longest;

    Query query;
    uint64_t *places; /* by token: bits of its places in the query (n <= 64), else its row + 1 */
    size_t places_room;

    double floor;         /* postings serve thresholds from here on; above 1: there are none */
    uint32_t ordered_at;  /* texts that there were when the tokens were put in order */
    uint32_t *ranks;      /* by token; any fixed order is exact, rarest first is fast */
    size_t ranks_room;
    uint32_t ranked;
    Postings *postings;   /* by token */
    size_t postings_room;
    uint32_t *asked;      /* by text: the last question that looked at it */
    size_t asked_room;
    uint32_t question;
    uint32_t *least;      /* by length from the shortest on: common tokens that are needed */
    size_t least_room;

    uint8_t *bounds;      /* by text: what its signature allows, in 255ths */
    size_t bounds_room;
    float *scales;        /* by length */
    size_t scales_room;
} Index;

/* The block with room for `need` items, new ones zero. */
void *grown(void *block, size_t need, size_t *room, size_t item);
#define GROW(array, need) ((array) = grown((array), (need), &(array##_room), sizeof *(array)))

/* words.c */
uint32_t word_id(Words *words, const char *word, size_t length);
void read_texts(Index *index, const char *text, size_t length);
void take(Index *index, uint32_t text);

/* overlap.c */
double score(uint32_t common, uint32_t m, uint32_t n);
uint32_t least_common(double bar, int above, uint32_t m, uint32_t n);
Signature signature_of(const uint32_t *tokens, uint32_t n);
void places_on(Index *index);
void places_off(Index *index);
uint32_t common_with(const Index *index, uint32_t text);
static inline uint64_t start_of(const Index *index, uint32_t text)
{
    return text ? index->ends[text - 1] : 0;
}
static inline uint32_t length_of(const Index *index, uint32_t text)
{
    return (uint32_t)(index->ends[text] - start_of(index, text));
}

/* postings.c */
void postings_add(Index *index, uint32_t text);
uint32_t postings_search(Index *index, double threshold, int any, double *found);

/* nearest.c */
uint32_t nearest_of_all(Index *index, double *found);

#endif
