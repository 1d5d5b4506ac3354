/* Which rules could match which records of a JSON text: one pass, without making an object of any record.
 *
 * A vectorised look finds the quotes (`index_text`). The walk from quote to quote (`scan_text`) accepts nothing but
 * `record,record,...`, objects in valid JSON without space between tokens, no key twice in any object; all else is NOT_CLEAN
 * and somebody else's to read. It notes where the values are of fields that rules look at, and after each record asks the
 * rules that these point at (`end_record`). A condition is evaluated in Kleene's logic: what cannot be told here is
 * UNKNOWN, so that FALSE is sure and TRUE is sure, and the rest is Python's. `tables.py` makes what is read here of rules.
 *
 * Whatever the text is, nothing outside of it is read. That it is UTF-8 where it is not ASCII is left to the caller.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t u64;
typedef uint32_t u32;
typedef int32_t i32;
typedef uint8_t u8;

/* The vectorised functions exist once for each kind of processor; `kernel_level` says which one this is. */
#define INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#define WIDEST __attribute__((target("avx512bw,avx512vbmi2,bmi,bmi2,lzcnt,popcnt")))
#define FOR_EACH_LEVEL(result, name, parameters, arguments) \
    WIDEST static result name##_512 parameters { return name##_here arguments; } \
    __attribute__((target("avx2,bmi,lzcnt,popcnt"))) static result name##_256 parameters { return name##_here arguments; } \
    static result name##_128 parameters { return name##_here arguments; } \
    static result name parameters { \
        return kernel_level == 2 ? name##_512 arguments : kernel_level == 1 ? name##_256 arguments : name##_128 arguments; \
    }
extern int kernel_level;
#else
#define FOR_EACH_LEVEL(result, name, parameters, arguments) static result name parameters { return name##_here arguments; }
#endif
int kernel_level = -1; /* 0, 1, 2: vectors of 128, 256, 512 bits; not known yet. Tests lower it. */

typedef u8 Block __attribute__((vector_size(64)));
typedef signed char SignedBlock __attribute__((vector_size(64)));
typedef _Bool Bits __attribute__((ext_vector_type(64)));
/* One bit for each of 64 bytes, the first the lowest. */
#define BITS(comparison) ({ Bits bits = __builtin_convertvector((comparison), Bits); u64 word; memcpy(&word, &bits, 8); word; })

enum { FALSE, UNKNOWN, TRUE };
enum { ABSENT, NOTHING, SIMPLE, STRING, FLAG, NUMBER, OBJECT, ARRAY, MANY, FRESH };
/* SIMPLE is a string of ASCII without escapes, FRESH one that was not looked at so far. */
enum { MAY_BE_STRING = 1, MAY_BE_OBJECT = 2, MAY_BE_ARRAY = 4, MAY_BE_FLAG = 8, REQUIRED = 16 };
enum { AND, OR, NOT, PREDICATE };
enum { IS_ONE_OF, STARTS, ENDS, CONTAINS, NEEDS, IS_THERE, IS_NULL, COULD, BOTH_THERE, KEYWORD, IN_NETWORK };
enum { EQUAL, GRAM, PRESENT, ALWAYS };
enum { NOT_CLEAN = -1, NO_MEMORY = -2, CAREFULLY = 1 };

enum { DEEPEST = 1024, GRAM_BITS = 15, FEW_KEYS = 512, MANY_KEYS = 1 << 16, MOST_KEYS = 4096, TOKEN = 32, GRAM_STEP = 8, LONGEST_KEY = 255, AHEAD = 1024, LONGEST_SHOWN = 500, FIRST_OUT = 1 << 16 };

/* Rows of the tables that Python makes; positions are into one string of all texts. */
typedef struct { i32 parent, at, length, expected; } FieldRow;
typedef struct { i32 kind, field, cased, first, count, needed, needed_length, other; } PredicateRow;
typedef struct { i32 at, length; } TextRow;
typedef struct { i32 kind, field, at, length, rule; } PointerRow;
/* A rule: where its condition is in the code, and the fields that show why it holds; with `shows` -1 that is not told here.
 * `pattern` is the predicate, -1 if there is none, that stands for its regular expression, without which it never holds. */
typedef struct { i32 code, first, shows, pattern; } RuleRow;
typedef struct { i32 field, at, length, code; } ShowRow; /* the text is the field's path as JSON; `code` is what its value fits */
/* What a finding of a rule starts from: its name as JSON, and the fields that may have its asset. Without a name, nothing. */
typedef struct { i32 at, length, first, assets; } ReportRow;
/* The fields that are told of a hit, by their place in the table, and those that only say who the caller is. */
enum { EVENT_ID, EVENT_TIME, EVENT_SOURCE, EVENT_NAME, REGION, SOURCE_IP, RECIPIENT, IDENTITY, CALLER_TYPE, CALLER_ARN,
       ISSUER_ARN, CALLER_ACCOUNT, PARAMETERS, RESOURCES, RESOURCE_ARN, ALL_TOLD, INVOKED_BY = ALL_TOLD, USER_NAME, PRINCIPAL_ID };

typedef struct { u64 first, last; } Ends;  /* the first and last eight bytes of a key */
typedef struct { u32 record; i32 start, end; u8 kind; } Value;
/* A key that was met below another: what it looks like, which keys followed it of late, and which began its value. */
typedef struct { i32 likely, other; } Guess;
typedef struct {
    u8 token[TOKEN];
    u64 rank;
    Guess next, first;
    i32 field;
    u8 length, expected;
} Key; /* 64 bytes: a line of the cache */
typedef struct { i32 parent, length; u8 *text; } KeyName;
/* An object or array that is open: the key it is the value of, the field that is, and the same of the value at hand. */
typedef struct { i32 key, field, closes, is_array, value_key, value_field; u32 serial; Guess *guess; u64 rank; } Frame;
typedef struct { u64 tag; u32 record; } Seen;
typedef struct { u8 *bytes; u64 room, length; } Out; /* a JSON array that grows; no bytes without memory */
typedef struct { u64 hash; i32 pointer; } Entry;
/* What points at rules from a field: lists of pointers, through `next` (-1 ends one); a set of stretches, of which one is
 * met at one of `step` places in a row; the lengths (modulo 64) of whole texts. */
typedef struct { i32 present, equal, gram, step; u8 *grams; u64 lengths; } Watch;

typedef struct {
    u8 *texts;
    FieldRow *fields; PredicateRow *predicates; TextRow *choices; PointerRow *pointers; RuleRow *rules; ShowRow *shows;
    ReportRow *reports;
    i32 *code, *known, *assets, *next, *watched;
    i32 field_count, rule_count, pointer_count, report_count, watched_count, always, required;
    Ends *ends;
    i32 *field_table; u32 field_mask;
    Entry *entries; u32 entry_mask;
    Watch *watches;
    Value *values;
    u32 *asked, record, serial;
    Seen few[FEW_KEYS], *many;
    Key *keys;
    KeyName *names;
    i32 *key_table, key_count;
    Frame frames[DEEPEST + 1]; /* those around the one at hand */
    /* of the text at hand */
    const u8 *text; i32 length;
    u64 *odd; u32 *quotes; i32 room, is_ascii;
    i32 *hits, hit_count, record_start, record_end, wants_ready, ready_count;
    Out told, ready, pending;
    const PredicateRow *taken_to_hold;
} Kernel;

static inline u8 lower(u8 byte) { return byte - 'A' < 26u ? byte | 32 : byte; }
static inline u64 load(const u8 *at) { u64 word; memcpy(&word, at, 8); return word; }
static inline u64 mixed(u64 word) { word *= 0x9E3779B97F4A7C15u; return word ^ word >> 32; }

/* ---- where the quotes are */

static int hex_value(const u8 *digits) {
    int value = 0;
    for (int at = 0; at < 4; at++) {
        u8 digit = digits[at] | 32;
        int one = digit - '0' < 10u ? digit - '0' : digit - 'a' < 6u ? digit - 'a' + 10 : -1;
        if (one < 0) return -1;
        value = value * 16 + one;
    }
    return value;
}

/* Whether the backslash at `place` begins a valid escape; `*second` is where the second half of a pair has to be. */
static int is_escape(const Kernel *k, i32 place, i32 *second) {
    const u8 *text = k->text + place;
    i32 left = k->length - place;
    if (left < 2) return 0;
    if (text[1] != 'u') return text[1] && strchr("\"\\/bfnrt", text[1]) != NULL;
    int value = left < 6 ? -1 : hex_value(text + 2);
    if (value >> 10 == 0xDC00 >> 10) return place == *second;
    if (value >> 10 != 0xD800 >> 10) return value >= 0;
    *second = place + 6;
    return left >= 12 && text[6] == '\\' && text[7] == 'u' && hex_value(text + 8) >> 10 == 0xDC00 >> 10;
}

/* Writes `at` + the number of each bit; up to 16 numbers more than there are bits may be written. */
static inline void put_places(u32 *places, u32 at, u64 bits, i32 many) {
    for (i32 more = 0; more < many; more += 8) /* eight at a time, whether there are so many or not */
        for (i32 one = 0; one < 8; one++, bits &= bits - 1) places[more + one] = at + (bits ? __builtin_ctzll(bits) : 0);
}
#if defined(__x86_64__)
WIDEST static inline void put_places_512(u32 *places, u32 at, u64 bits, i32 many) {
    static const u8 numbers[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                   22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
                                   44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    __m512i left = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(numbers)), start = _mm512_set1_epi32(at);
    for (i32 more = 0; more < many; more += 16, left = _mm512_alignr_epi64(_mm512_setzero_si512(), left, 2))
        _mm512_storeu_si512(places + more, _mm512_add_epi32(start, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(left))));
}
#else
#define put_places_512 put_places
#endif

/* Fills `quotes` (the places of those that are not escaped) and `odd` (bits: backslashes, bytes past ASCII); gives how
 * many quotes there are; NOT_CLEAN for control characters and wrong escapes. */
INLINE i32 index_text_here(Kernel *k) {
    u64 escaped_first = 0, past_ascii = 0;
    i32 found = 0, second = -1, widest = kernel_level == 2;
    u32 *places = k->quotes;
    for (i32 at = 0; at < k->length; at += 64) {
        u8 here[64];
        const u8 *bytes = k->text + at;
        if (k->length - at < 64) {
            memset(here, ' ', sizeof here);
            memcpy(here, bytes, k->length - at);
            bytes = here;
        }
        __builtin_prefetch(bytes + AHEAD);
        Block block;
        memcpy(&block, bytes, 64);
        u64 backslashes = BITS(block == (u8)'\\'), quotes = BITS(block == (u8)'"');
        u64 high = BITS((SignedBlock)block < (signed char)' '); /* past ASCII, where it is no control character */
        if (high && BITS(block < (u8)' ')) return NOT_CLEAN;
        k->odd[at / 64] = backslashes | high;
        past_ascii |= high;
        if (backslashes | escaped_first) {
            u64 escaped = escaped_first;
            backslashes &= ~escaped_first;
            escaped_first = 0;
            while (backslashes) {
                u64 one = backslashes & -backslashes;
                if (!is_escape(k, at + __builtin_ctzll(one), &second)) return NOT_CLEAN;
                escaped |= one << 1;
                escaped_first = one >> 63;
                backslashes &= ~(one | one << 1);
            }
            quotes &= ~escaped;
        }
        i32 many = __builtin_popcountll(quotes);
        if (widest) put_places_512(places + found, at, quotes, many);
        else put_places(places + found, at, quotes, many);
        found += many;
    }
    for (i32 more = 0; more < 4; more++) places[found + more] = k->length;
    k->is_ascii = !past_ascii;
    return found;
}
FOR_EACH_LEVEL(i32, index_text, (Kernel *k), (k))

static inline u64 odd_bits(const Kernel *k, i32 word, i32 start, i32 end) {
    u64 bits = k->odd[word];
    if (word == start / 64) bits &= -((u64)1 << start % 64);
    if (word == end / 64) bits &= ((u64)1 << end % 64) - 1;
    return bits;
}

static inline int is_simple(const Kernel *k, i32 start, i32 end) {
    u64 bits = 0;
    for (i32 word = start / 64; word <= end / 64; word++) bits |= odd_bits(k, word, start, end);
    return !bits;
}

/* Whether there is no backslash in the stretch. */
static int is_unescaped(const Kernel *k, i32 start, i32 end) {
    return is_simple(k, start, end) || !memchr(k->text + start, '\\', end - start);
}

/* Whether every printable ASCII character in the stretch is spelt as itself, and no other letter can turn into one. */
static int is_spelt_plainly(const Kernel *k, i32 start, i32 end) {
    for (i32 word = start / 64; word <= end / 64; word++)
        for (u64 bits = odd_bits(k, word, start, end); bits; bits &= bits - 1) {
            const u8 *byte = k->text + word * 64 + __builtin_ctzll(bits);
            if (*byte >= 0x80) return 0;
            if (byte + 1 < k->text + k->length && (byte[1] == 'u' || byte[1] == '/')) return 0;
        }
    return 1;
}

/* ---- texts in values */

static int equals(const u8 *found, const u8 *wanted, i32 length, int cased) {
    for (i32 at = 0; at < length; at++)
        if ((cased ? found[at] : lower(found[at])) != wanted[at]) return 0;
    return 1;
}

INLINE int contains_here(const u8 *found, i32 length, const u8 *wanted, i32 size, int cased) {
    i32 last = length - size, at = 0;
    if (size == 0 || last < 0) return size == 0;
    u8 begins = wanted[0] | 32, ends = wanted[size - 1] | 32;
    for (; at + 63 <= last; at += 64) { /* 64 beginnings and 64 ends at once, which lie within `found` */
        Block head, tail;
        memcpy(&head, found + at, 64);
        memcpy(&tail, found + at + size - 1, 64);
        u64 bits = BITS(((head | (u8)32) == begins) & ((tail | (u8)32) == ends));
        for (; bits; bits &= bits - 1)
            if (equals(found + at + __builtin_ctzll(bits), wanted, size, cased)) return 1;
    }
    for (; at <= last; at++)
        if ((found[at] | 32) == begins && (found[at + size - 1] | 32) == ends && equals(found + at, wanted, size, cased))
            return 1;
    return 0;
}
FOR_EACH_LEVEL(int, contains, (const u8 *found, i32 length, const u8 *wanted, i32 size, int cased),
               (found, length, wanted, size, cased))

/* ---- conditions */

static inline const Value *value_of(const Kernel *k, i32 field) {
    static const Value absent = {.kind = ABSENT};
    Value *value = &k->values[field];
    if (value->record != k->record) return &absent;
    if (value->kind == FRESH) value->kind = is_simple(k, value->start, value->end) ? SIMPLE : STRING;
    return value;
}

/* A text that every fitting value has in it, whatever kind of value it is: FALSE if it is sure not to be there. */
static int needed(const Kernel *k, const PredicateRow *p, i32 start, i32 end) {
    const u8 *wanted = k->texts + p->needed;
    if (!p->needed_length || contains(k->text + start, end - start, wanted, p->needed_length, 0)) return UNKNOWN;
    return is_spelt_plainly(k, start, end) ? FALSE : UNKNOWN;
}

static int fits(const Kernel *k, const PredicateRow *p, i32 start, i32 end) {
    const u8 *found = k->text + start;
    i32 length = end - start;
    for (i32 at = p->first; at < p->first + p->count; at++) {
        const u8 *wanted = k->texts + k->choices[at].at;
        i32 size = k->choices[at].length;
        if (p->kind == CONTAINS ? contains(found, length, wanted, size, p->cased)
            : p->kind == IS_ONE_OF ? length == size && equals(found, wanted, size, p->cased)
            : length >= size && equals(p->kind == ENDS ? found + length - size : found, wanted, size, p->cased))
            return 1;
    }
    return 0;
}

/* Goes from one element of an array to the next, from `*start` and `*end` 0. Gives 1; 0 at the end; -1 if the array has
 * anything in it but strings of ASCII without escapes. */
static int next_element(const Kernel *k, const Value *array, i32 *start, i32 *end) {
    i32 at = *end ? *end + 1 : array->start + 1;
    if (!*end && !is_simple(k, array->start, array->end)) return -1;
    if (k->text[at] == ']') return 0;
    if (k->text[at] == ',') at++;
    if (k->text[at] != '"') return -1;
    *start = at + 1;
    *end = (const u8 *)memchr(k->text + at + 1, '"', array->end - at - 1) - k->text;
    return 1;
}

/* An array is met by one of its elements, or by its own text. */
static int array_predicate(const Kernel *k, const PredicateRow *p, const Value *array) {
    i32 start = 0, end = 0, more;
    while ((more = next_element(k, array, &start, &end)) > 0)
        if (fits(k, p, start, end)) return TRUE;
    if (more < 0) return needed(k, p, array->start, array->end);
    return fits(k, p, array->start, array->end) ? TRUE : FALSE;
}

static int text_predicate(const Kernel *k, const PredicateRow *p, const Value *value) {
    if (value->kind == SIMPLE) return fits(k, p, value->start, value->end) ? TRUE : FALSE;
    if (value->kind == ARRAY) return array_predicate(k, p, value);
    return value->kind == STRING || value->kind >= OBJECT ? needed(k, p, value->start, value->end) : UNKNOWN;
}

/* Whether an address is in an IPv4 network, `needed` of which are its first `needed_length` bits. */
static int in_network(const Kernel *k, const PredicateRow *p, const Value *value) {
    if (value->kind != SIMPLE) return value->kind == STRING || value->kind >= ARRAY ? UNKNOWN : FALSE;
    u32 address = 0;
    i32 at = value->start, parts = 0;
    for (; parts < 4; parts++, at++) {
        i32 start = at, part = 0;
        for (; at < value->end && at < start + 3 && k->text[at] - '0' < 10u; at++) part = part * 10 + k->text[at] - '0';
        if (at == start || part > 255 || (k->text[start] == '0' && at > start + 1)) return FALSE;
        address = address << 8 | part;
        if (parts < 3 ? at >= value->end || k->text[at] != '.' : at != value->end) return FALSE;
    }
    return p->needed_length == 0 || !((address ^ (u32)p->needed) >> (32 - p->needed_length)) ? TRUE : FALSE;
}

static int predicate(Kernel *k, const PredicateRow *p) {
    if (p->kind == KEYWORD) return needed(k, p, k->record_start, k->record_end);
    const Value *value = value_of(k, p->field);
    int is_null = value->kind <= NOTHING;
    if (p->kind == IS_NULL) return value->kind == MANY ? UNKNOWN : is_null ? TRUE : FALSE;
    if (is_null) return FALSE;
    switch (p->kind) {
        case IS_THERE: return value->kind == MANY ? UNKNOWN : TRUE;
        case NEEDS: {
            int is_text = value->kind == SIMPLE || value->kind == STRING || value->kind >= OBJECT;
            int held = is_text ? needed(k, p, value->start, value->end) : UNKNOWN;
            return held == UNKNOWN && p == k->taken_to_hold && value->kind == SIMPLE ? TRUE : held;
        }
        case BOTH_THERE: return value_of(k, p->other)->kind <= NOTHING ? FALSE : UNKNOWN;
        case IN_NETWORK: return in_network(k, p, value);
        case COULD: return UNKNOWN;
    }
    return text_predicate(k, p, value);
}

/* The condition at `at` of the code; it ends before `*end`. */
static int condition(Kernel *k, i32 at, i32 *end) {
    i32 what = k->code[at], operand = k->code[at + 1];
    if (what == PREDICATE) {
        *end = at + 2;
        return predicate(k, &k->predicates[operand]);
    }
    *end = operand;
    i32 child = at + 2;
    if (what == NOT) return TRUE - condition(k, child, &child);
    int held = what == AND ? TRUE : FALSE;
    while (child < operand) {
        int one = condition(k, child, &child);
        if (what == AND ? one < held : one > held) held = one;
        if (held == (what == AND ? FALSE : TRUE)) break;
    }
    return held;
}

/* ---- which rules a record points at */

static void ask(Kernel *k, i32 pointer) {
    i32 rule = k->pointers[pointer].rule, end;
    if (k->asked[rule] == k->record) return;
    k->asked[rule] = k->record;
    int held = condition(k, k->rules[rule].code, &end);
    if (held != FALSE) k->hits[k->hit_count++] = rule * 2 + (held == TRUE);
}

static void ask_all(Kernel *k, i32 pointer) {
    for (; pointer >= 0; pointer = k->next[pointer]) ask(k, pointer);
}

/* Of a text in any letter case. */
static u64 hash_text(const u8 *text, i32 length, i32 field) {
    const u64 folded = 0x2020202020202020;
    u64 hash = mixed(field + ((u64)length << 32)), word = 0;
    i32 at = 0;
    for (; at + 8 <= length; at += 8) hash = mixed(hash ^ (load(text + at) | folded));
    memcpy(&word, text + at, length - at);
    return mixed(hash ^ (word | folded));
}

static u32 gram_at(const u8 *text) {
    u32 word;
    memcpy(&word, text, 4);
    return word | 0x20202020;
}

static inline u32 gram_bit(u32 gram) { return gram * 0x9E3779B1u >> (32 - GRAM_BITS); }
static inline u64 hash_gram(u32 gram, i32 field) { return mixed(gram ^ (u64)~field << 32); }

static void ask_hashed(Kernel *k, u64 hash) {
    for (u32 at = hash & k->entry_mask; k->entries[at].pointer >= 0; at = (at + 1) & k->entry_mask)
        if (k->entries[at].hash == hash) ask(k, k->entries[at].pointer);
}

static void ask_watch(Kernel *k, i32 field) {
    const Watch *watch = &k->watches[field];
    const Value *value = value_of(k, field);
    if (value->kind <= NOTHING) return;
    ask_all(k, watch->present);
    if (watch->equal >= 0) {
        i32 length = value->end - value->start;
        if (value->kind != SIMPLE) ask_all(k, watch->equal);
        else if (watch->lengths >> length % 64 & 1) ask_hashed(k, hash_text(k->text + value->start, length, field));
    }
    if (!watch->grams) return;
    if (value->kind == FLAG || value->kind == NUMBER || !(value->kind == SIMPLE || is_spelt_plainly(k, value->start, value->end))) {
        ask_all(k, watch->gram);
        return;
    }
    const u8 *grams = watch->grams, *last = k->text + value->end - 4;
    i32 step = watch->step;
    for (const u8 *at = k->text + value->start; at <= last; at += step) {
        u32 gram = gram_at(at), bit = gram_bit(gram);
        if (grams[bit / 8] >> bit % 8 & 1) ask_hashed(k, hash_gram(gram, field));
    }
}

/* ---- telling of a record that rules match or may */

/* Room for so many bytes more; NULL without memory, and then until the next text. */
static u8 *room_for(Out *out, u64 bytes) {
    if (out->bytes && out->length + bytes > out->room) {
        u64 room = 2 * (out->length + bytes);
        u8 *larger = realloc(out->bytes, room);
        if (!larger) free(out->bytes);
        out->bytes = larger, out->room = larger ? room : 0;
    }
    return out->bytes ? out->bytes + out->length : NULL;
}

static void put(Out *out, const void *bytes, i32 length) {
    u8 *to = room_for(out, length);
    if (to) memcpy(to, bytes, length), out->length += length;
}

static void begin(Out *out) {
    if (!out->bytes && (out->bytes = malloc(FIRST_OUT))) out->room = FIRST_OUT;
    out->length = 0;
    put(out, "[", 1);
}

static void put_number(Out *out, i32 number) {
    u8 digits[12];
    i32 at = sizeof digits;
    do digits[--at] = '0' + number % 10;
    while (number /= 10);
    put(out, digits + at, sizeof digits - at);
}

static void put_value(Kernel *k, Out *out, const Value *value) {
    int in_quotes = value->kind == SIMPLE || value->kind == STRING;
    if (value->kind == ABSENT || value->kind == MANY) put(out, "null", 4);
    else put(out, k->text + value->start - in_quotes, value->end - value->start + 2 * in_quotes);
}

/* Writes the text of an array of plain strings as a string. */
static void put_as_text(Kernel *k, Out *out, const Value *array) {
    put(out, "\"", 1);
    for (i32 at = array->start, next; at < array->end; at = next) {
        for (next = at + 1; next < array->end && k->text[next] != '"';) next++;
        if (k->text[at] == '"') put(out, "\\", 1);
        put(out, k->text + at, next - at);
    }
    put(out, "\"", 1);
}

/* Of an array, itself or its first element that makes this part of a rule hold; 0 if it is not plain which. */
static int find_fitting(Kernel *k, const ShowRow *show, Value *found) {
    Value *value = &k->values[show->field], array = *value;
    i32 start = 0, end = 0, many = 0, more, behind;
    *value = (Value){array.record, array.start, array.end, SIMPLE}; /* its own text comes first */
    if (condition(k, show->code, &behind) == TRUE) *found = array, many++;
    while ((more = next_element(k, &array, &start, &end)) > 0) {
        *value = (Value){array.record, start, end, SIMPLE};
        if (condition(k, show->code, &behind) == TRUE && !many++) *found = *value;
    }
    *value = array;
    if (more < 0 || !many) return 0;
    return many == 1 || (k->code[show->code] == PREDICATE && k->predicates[k->code[show->code + 1]].count == 1);
}

/* The values that show why the rule holds, if it does: an object. 0 if that takes a closer look: nothing is put then. */
static int put_shown(Kernel *k, Out *out, const RuleRow *rule) {
    const ShowRow *first = k->shows + rule->first, *end = first + rule->shows;
    u64 start = out->length;
    if (rule->shows < 0) return 0;
    put(out, "{", 1);
    for (const ShowRow *show = first; show < end; show++) {
        Value value = *value_of(k, show->field);
        if (value.kind == ARRAY && !find_fitting(k, show, &value)) goto unclear;
        if ((value.kind != SIMPLE && value.kind != STRING && value.kind != ARRAY) || value.end - value.start > LONGEST_SHOWN)
            goto unclear;
        if (show > first) put(out, ",", 1);
        put(out, k->texts + show->at, show->length);
        put(out, ":", 1);
        if (value.kind == ARRAY) put_as_text(k, out, &value);
        else put_value(k, out, &value);
    }
    put(out, "}", 1);
    return 1;
unclear:
    out->length = start;
    return 0;
}

/* Writes `[number,start,end,[rule,...],[shown,...],value,...]`: a rule is twice its index, plus 1 where it is sure to match. */
static void tell(Kernel *k, i32 number, int check) {
    Out *out = &k->told;
    i32 numbers[] = {number, k->record_start, k->record_end};
    put(out, out->length > 1 ? ",[" : "[", out->length > 1 ? 2 : 1);
    for (i32 at = 0; at < 3; at++) put_number(out, numbers[at]), put(out, ",", 1);
    for (i32 at = 0; at < k->hit_count; at++) put(out, at ? "," : "[", 1), put_number(out, k->hits[at]);
    for (i32 at = 0; at < k->hit_count; at++) {
        put(out, at ? "," : "],[", at ? 1 : 3);
        if (!check || !put_shown(k, out, &k->rules[k->hits[at] >> 1])) put(out, "null", 4);
    }
    put(out, "]", 1);
    for (i32 at = 0; check && at < ALL_TOLD; at++) put(out, ",", 1), put_value(k, out, value_of(k, k->known[at]));
    put(out, "]", 1);
}

/* ---- matches that are ready to be findings: as `sighting.py` and `grouping.py` make them, where all is plain to see */

typedef struct { const u8 *at; i32 length; } Text; /* of ASCII without escapes; `at` is NULL where it takes a closer look */
static const Text UNCLEAR = {NULL, 0}, EMPTY = {(const u8 *)"", 0};

static Text simple_text(const Kernel *k, i32 start, i32 end) {
    return is_simple(k, start, end) ? (Text){k->text + start, end - start} : UNCLEAR;
}

/* The text that stands in a field, empty where nothing does. */
static Text text_of(const Kernel *k, i32 field) {
    const Value *value = value_of(k, field);
    if (value->kind <= NOTHING) return EMPTY;
    return value->kind == SIMPLE ? (Text){k->text + value->start, value->end - value->start} : UNCLEAR;
}

/* The first of these fields that has a text. */
static Text first_text(const Kernel *k, const i32 *fields, i32 count) {
    for (i32 at = 0; at < count; at++) {
        Text found = text_of(k, fields[at]);
        if (!found.at || found.length) return found;
    }
    return EMPTY;
}

static i32 two_digits(const u8 *at) { return (at[0] - '0') * 10 + at[1] - '0'; }

/* Whether it is a time to the second in UTC; of one that only leap years have that is not said. */
static int is_time(Text text) {
    static const char form[] = "0000-00-00T00:00:00Z";
    static const i32 days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!text.at || text.length != sizeof form - 1) return 0;
    for (i32 at = 0; at < text.length; at++)
        if (form[at] == '0' ? text.at[at] - '0' >= 10u : text.at[at] != form[at]) return 0;
    i32 month = two_digits(text.at + 5), day = two_digits(text.at + 8);
    return memcmp(text.at, "0000", 4) && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1]
        && two_digits(text.at + 11) < 24 && two_digits(text.at + 14) < 60 && two_digits(text.at + 17) < 60;
}

static int has(Text text, const char *wanted) {
    return contains(text.at, text.length, (const u8 *)wanted, strlen(wanted), 1);
}

/* The principal: of a session that names no person it is the role. */
static Text caller(const Kernel *k) {
    Text arn = text_of(k, k->known[CALLER_ARN]), type = text_of(k, k->known[CALLER_TYPE]);
    if (!arn.at || !type.at) return UNCLEAR;
    if (type.length == 11 && !memcmp(type.at, "AssumedRole", 11) && !has(arn, "@") && !has(arn, "/AWSReservedSSO_")) {
        Text issuer = text_of(k, k->known[ISSUER_ARN]);
        if (!issuer.at || issuer.length) return issuer;
    }
    if (arn.length) return arn;
    i32 fields[] = {k->known[INVOKED_BY], k->known[USER_NAME], k->known[PRINCIPAL_ID], k->known[CALLER_ACCOUNT], k->known[CALLER_TYPE]};
    return first_text(k, fields, sizeof fields / sizeof *fields);
}

/* The first ARN among the record's resources. */
static Text named_resource(const Kernel *k) {
    const Value *value = value_of(k, k->known[RESOURCE_ARN]);
    if (value->kind != MANY) return text_of(k, k->known[RESOURCE_ARN]);
    const u8 *at = k->text + value->start, *end = at[-1] == '"' ? memchr(at, '"', k->length - value->start) : NULL;
    return end && end > at ? simple_text(k, value->start, end - k->text) : UNCLEAR;
}

/* The quote that ends the string which goes on at `at`; the text is valid JSON. */
static i32 string_end(const Kernel *k, i32 at) {
    for (; k->text[at] != '"'; at++) at += k->text[at] == '\\';
    return at;
}

/* The place behind the value at `at` that is no string. */
static i32 value_end(const Kernel *k, i32 at) {
    for (i32 depth = 0;; at++)
        switch (k->text[at]) {
            case '"': at = string_end(k, at + 1); break;
            case '{': case '[': depth++; break;
            case ',': if (!depth) return at; break;
            case '}': case ']':
                if (!depth) return at;
                if (!--depth) return at + 1;
        }
}

static int names_something(Text key) {
    static const char *const ends[] = {"arn", "name", "id", "identifier"};
    for (u32 at = 0; at < sizeof ends / sizeof *ends; at++) {
        i32 length = strlen(ends[at]);
        if (key.length >= length && equals(key.at + key.length - length, (const u8 *)ends[at], length, 0))
            return !contains(key.at, key.length, (const u8 *)"token", 5, 0);
    }
    return 0;
}

/* The first request parameter that reads like the name of a thing. */
static Text named_parameter(const Kernel *k) {
    const Value *value = value_of(k, k->known[PARAMETERS]);
    if (value->kind <= NOTHING) return EMPTY;
    if (value->kind != OBJECT) return UNCLEAR;
    for (i32 at = value->start; k->text[at] != '}' && k->text[at + 1] != '}';) {
        i32 key_end = string_end(k, at + 2), start = key_end + 2;
        if (k->text[start] == '"') {
            i32 end = string_end(k, ++start);
            Text key = simple_text(k, at + 2, key_end);
            if (end > start && !key.at) return UNCLEAR;
            if (end > start && names_something(key)) return simple_text(k, start, end);
            at = end + 1;
        } else {
            at = value_end(k, start);
        }
    }
    return EMPTY;
}

static void put_text(Out *out, const char *before, Text text, const char *after) {
    put(out, before, strlen(before)), put(out, text.at, text.length), put(out, after, strlen(after));
}

/* Whether the rule, of which that is not sure, holds if its regular expression does. */
static int only_pattern_is_open(Kernel *k, const RuleRow *rule) {
    i32 end;
    if (rule->pattern < 0) return 0;
    k->taken_to_hold = &k->predicates[rule->pattern];
    int held = condition(k, rule->code, &end);
    k->taken_to_hold = NULL;
    return held == TRUE;
}

/* Writes `[[rule,account,region,actor,asset,day],[time,id],source IP,shown]` for each rule that the record matches, or that it
 * matches if a regular expression holds; 0, and nothing, if one of them or the record takes a closer look. */
static int put_ready(Kernel *k) {
    u64 ready_start = k->ready.length, pending_start = k->pending.length;
    i32 sure = 0;
    i32 accounts[] = {k->known[RECIPIENT], k->known[CALLER_ACCOUNT]};
    Text id = text_of(k, k->known[EVENT_ID]), time = text_of(k, k->known[EVENT_TIME]), region = text_of(k, k->known[REGION]);
    Text ip = text_of(k, k->known[SOURCE_IP]), account = first_text(k, accounts, 2), actor = caller(k);
    if (!id.at || !id.length || !is_time(time) || !region.at || !ip.at || !account.at || !actor.at) return 0;
    for (i32 at = 0; at < k->hit_count; at++) {
        i32 rule = k->hits[at] >> 1;
        const ReportRow *report = &k->reports[rule];
        int is_sure = k->hits[at] & 1;
        Out *out = is_sure ? &k->ready : &k->pending;
        if (!report->length || !(is_sure || only_pattern_is_open(k, &k->rules[rule]))) goto unclear;
        sure += is_sure;
        Text asset = first_text(k, k->assets + report->first, report->assets);
        if (asset.at && !asset.length) asset = named_resource(k);
        if (asset.at && !asset.length) asset = named_parameter(k);
        if (!asset.at) goto unclear;
        put(out, out->length > 1 ? ",[[" : "[[", out->length > 1 ? 3 : 2), put(out, k->texts + report->at, report->length);
        put_text(out, ",\"", account, "\",\""), put_text(out, "", region, "\",\""), put_text(out, "", actor, "\",\"");
        put_text(out, "", asset.length ? asset : account, "\",\""), put_text(out, "", (Text){time.at, 10}, "\"],[\"");
        put_text(out, "", time, "\",\""), put_text(out, "", id, "\"],\""), put_text(out, "", ip, "\",");
        if (!put_shown(k, out, &k->rules[rule])) goto unclear;
        put(out, "]", 1);
    }
    k->ready_count += sure;
    return 1;
unclear:
    k->ready.length = ready_start, k->pending.length = pending_start;
    return 0;
}

static void sort_hits(Kernel *k) {
    for (i32 *one = k->hits + 1; one < k->hits + k->hit_count; one++)
        for (i32 *low = one; low > k->hits && low[-1] > *low; low--) {
            i32 held = *low;
            *low = low[-1], low[-1] = held;
        }
}

/* ---- walking the text */

static i32 end_record(Kernel *k, i32 number, i32 end, int check) {
    if (check) {
        u8 kind = value_of(k, k->required)->kind;
        if (kind != SIMPLE && kind != STRING) return NOT_CLEAN;
    }
    k->hit_count = 0, k->record_end = end;
    ask_all(k, k->always);
    for (i32 at = 0; at < k->watched_count; at++) ask_watch(k, k->watched[at]);
    if (!k->hit_count) return 0;
    sort_hits(k);
    if (!(check && k->wants_ready && put_ready(k))) tell(k, number, check);
    return 0;
}

static u64 key_hash(const u8 *key, i32 length, Ends *ends) {
    if (length >= 8) {
        ends->first = load(key), ends->last = load(key + length - 8);
    } else {
        ends->first = 0;
        memcpy(&ends->first, key, length);
        ends->last = ends->first;
    }
    u64 hash = mixed(ends->first + length) ^ ends->last;
    for (i32 at = 8; at + 8 < length; at += 8) hash = mixed(hash) ^ load(key + at);
    return mixed(hash);
}

/* The field of this key under `parent`, -1 if no rule looks there. */
static i32 find_field(const Kernel *k, i32 parent, const u8 *key, i32 length, const Ends *ends, u64 hash) {
    for (u32 at = (hash + parent * 0x9E3779B1u) & k->field_mask; k->field_table[at] >= 0; at = (at + 1) & k->field_mask) {
        i32 field = k->field_table[at];
        const FieldRow *row = &k->fields[field];
        if (row->parent == parent && row->length == length && k->ends[field].first == ends->first
            && k->ends[field].last == ends->last
            && (length <= 16 || !memcmp(k->texts + row->at + 8, key + 8, length - 16)))
            return field;
    }
    return -1;
}

/* Notes a key of the object; whether it was noted before. Of an object with too many keys, 2 is given. */
static int occurs_twice(Kernel *k, u64 tag, i32 *count) {
    Seen *table = k->few;
    u32 mask = FEW_KEYS - 1;
    int is_new = ++*count <= FEW_KEYS / 2;
    if (*count > MANY_KEYS / 2) return 2;
    for (;;) {
        u32 at = (u32)(tag >> 32) & mask;
        for (; table[at].record == k->record; at = (at + 1) & mask)
            if (table[at].tag == tag) return 1;
        if (table == k->many || is_new) {
            table[at] = (Seen){tag, k->record};
            return 0;
        }
        if (!k->many && !(k->many = calloc(MANY_KEYS, sizeof *k->many))) return 2;
        table = k->many, mask = MANY_KEYS - 1;
    }
}

/* How many bytes at `place` are those of the key's token, `"key":"`: three more than the key has if it stands there, or four if
 * a string is its value. */
INLINE i32 same_bytes(const Kernel *k, const Key *key, i32 place) {
    typedef u8 Token __attribute__((vector_size(TOKEN)));
    typedef _Bool Same __attribute__((ext_vector_type(TOKEN)));
    Token here, there;
    if (k->length - place < TOKEN) return 0;
    memcpy(&here, k->text + place, TOKEN);
    memcpy(&there, key->token, TOKEN);
    Same same = __builtin_convertvector(here == there, Same);
    u32 bits;
    memcpy(&bits, &same, 4);
    return __builtin_ctzll(~(u64)bits);
}

/* Room in the order of an object's keys for a new one behind the one of rank `last`. */
static u64 new_rank(const Kernel *k, i32 parent, u64 last) {
    u64 next = last + ((u64)2 << 40);
    for (i32 at = 1; at < k->key_count; at++)
        if (k->names[at].parent == parent && k->keys[at].rank > last && k->keys[at].rank < next) next = k->keys[at].rank;
    return last + (next - last) / 2;
}

/* The key of this text below the frame's; a new one is learnt. -1 if there is no room for it. */
static i32 find_key(Kernel *k, const Frame *frame, const u8 *text, i32 length, u64 hash, const Ends *ends) {
    u32 at = (u32)(hash + frame->key * 0x9E3779B1u) % (4 * MOST_KEYS);
    for (; k->key_table[at]; at = (at + 1) % (4 * MOST_KEYS)) {
        const KeyName *name = &k->names[k->key_table[at]];
        if (name->parent == frame->key && name->length == length && !memcmp(name->text, text, length)) return k->key_table[at];
    }
    if (k->key_count == MOST_KEYS || length > LONGEST_KEY) return -1;
    u8 *kept = malloc(length + 1);
    if (!kept) return -1;
    memcpy(kept, text, length);
    i32 key = k->key_count, field = frame->field < 0 ? -1 : find_field(k, frame->field, text, length, ends, hash);
    k->keys[key] = (Key){.rank = new_rank(k, frame->key, frame->rank), .field = field, .length = length};
    if (field >= 0) k->keys[key].expected = k->fields[field].expected & 15;
    memcpy(k->keys[key].token, text - 1, length + 3 < TOKEN ? length + 3 : TOKEN);
    if (length + 3 < TOKEN) k->keys[key].token[length + 3] = '"';
    k->names[key] = (KeyName){frame->key, length, kept};
    return k->key_table[at] = k->key_count++;
}

/* Where a number ends that begins at `at`; -1 if it is none, or one that not every reader takes. */
static i32 number_end(const u8 *text, i32 at, int check) {
    if (!check) {
        while (text[at] != ',' && text[at] != '}' && text[at] != ']') at++;
        return at;
    }
    i32 start = at += text[at] == '-', digits = 0;
    while (text[at] - '0' < 10u) at++;
    if (at == start || (text[start] == '0' && at > start + 1)) return -1;
    digits = at - start;
    if (text[at] == '.') {
        for (start = ++at; text[at] - '0' < 10u;) at++;
        if (at == start) return -1;
        digits += at - start;
    }
    if ((text[at] | 32) == 'e') {
        at++;
        at += text[at] == '-' || text[at] == '+';
        for (start = at; text[at] - '0' < 10u;) at++;
        if (at == start || at > start + 2) return -1;
    }
    return digits > 18 ? -1 : at;
}

INLINE void note_value(Kernel *k, i32 field, i32 start, i32 end, u8 kind) {
    Value *value = &k->values[field];
    if (value->record == k->record) { /* from the first to the last */
        value->kind = MANY, value->end = end;
        return;
    }
    *value = (Value){k->record, start, end, kind};
}

/* Reads `"key":` at `*at` of an object: sets what is found in the frame, and `*at` to the value. 0, NOT_CLEAN, or CAREFULLY
 * if it is not sure that the key is new in the object. */
INLINE i32 read_key(Kernel *k, Frame *frame, i32 *at, const u32 *quote, int check, int carefully, i32 *noted) {
    Guess *guess = frame->guess;
    i32 key = guess->likely;
    int known = same_bytes(k, &k->keys[key], *at) >= k->keys[key].length + 3;
    if (!known) {
        key = guess->other;
        *guess = (Guess){key, guess->likely};
        known = same_bytes(k, &k->keys[key], *at) >= k->keys[key].length + 3;
    }
    if (carefully || !known) {
        i32 start = *at + 1, end = quote[1], length = end - start;
        if (quote[0] != (u32)*at || quote[1] >= (u32)k->length || k->text[end + 1] != ':' || (check && !is_unescaped(k, start, end)))
            return NOT_CLEAN;
        Ends ends;
        u64 hash = key_hash(k->text + start, length, &ends);
        if (carefully && occurs_twice(k, mixed(hash + frame->serial), noted)) return NOT_CLEAN;
        key = frame->key < 0 ? -1 : find_key(k, frame, k->text + start, length, hash, &ends);
        if (key < 0) {
            if (!carefully) return CAREFULLY;
            frame->value_key = -1;
            frame->value_field = frame->field < 0 ? -1 : find_field(k, frame->field, k->text + start, length, &ends, hash);
            *at = end + 2;
            return 0;
        }
        guess->likely = key;
    }
    Key *found = &k->keys[key];
    if (!carefully && found->rank <= frame->rank) return CAREFULLY;
    frame->rank = found->rank, frame->guess = &found->next;
    frame->value_key = key, frame->value_field = found->field;
    *at += found->length + 3;
    return 0;
}

/* A record is walked quickly while each key of an object ranks behind the one before, which no key does twice. One that
 * does not is walked again, carefully, every key noted. The text ends with a brace, at which every loop stops. */
INLINE i32 scan_text_here(Kernel *k, int check) {
    static const u8 fits[256] = {['"'] = MAY_BE_STRING, ['{'] = MAY_BE_OBJECT, ['['] = MAY_BE_ARRAY, ['t'] = MAY_BE_FLAG,
                                 ['f'] = MAY_BE_FLAG, ['n'] = 15};
    static Guess no_guess;
    const u8 *text = k->text;
    const u32 *quote = k->quotes, *record_quote = quote;
    i32 at = 0, depth = 1, number = 0, noted = 0, field = -1, end, problem, carefully = 0;
    if (k->length < 2 || text[k->length - 1] != '}') return NOT_CLEAN;
    if ((problem = index_text(k)) < 0) return problem;
    Frame *frame = &k->frames[depth];
    *frame = (Frame){.key = -1, .field = -1, .closes = -1, .value_key = -1, .value_field = -1, .is_array = 1};
value:
    if (depth == 1 && text[at] != '{') return NOT_CLEAN;
    switch (text[at]) {
        case '"':
            end = quote[1];
            if (quote[0] != (u32)at || quote[1] >= (u32)k->length) return NOT_CLEAN;
            quote += 2;
            if (field >= 0) note_value(k, field, at + 1, end, FRESH);
            at = end + 1;
            break;
        case '{':
        case '[': {
            if (depth == DEEPEST) return NOT_CLEAN;
            const Frame *outer = frame;
            int is_array = text[at] == '[';
            frame = &k->frames[++depth];
            *frame = (Frame){.key = outer->value_key, .field = outer->value_field, .closes = field, .is_array = is_array,
                             .value_key = outer->value_key, .value_field = outer->value_field, .serial = ++k->serial};
            if (depth == 2) {
                k->record++, k->record_start = at, record_quote = quote;
                frame->key = frame->field = 0;
            }
            if (field >= 0) note_value(k, field, at, at + 1, is_array ? ARRAY : OBJECT);
            frame->guess = frame->key < 0 ? &no_guess : &k->keys[frame->key].first;
            field = -1;
            if (text[++at] == (is_array ? ']' : '}')) break;
            if (is_array) goto value;
            goto key;
        }
        case 't': case 'f': case 'n': {
            i32 length = text[at] == 'f' ? 5 : 4;
            const char *word = text[at] == 'f' ? "false" : text[at] == 't' ? "true" : "null";
            if (k->length - at < length || memcmp(text + at, word, length)) return NOT_CLEAN;
            if (field >= 0) note_value(k, field, at, at + length, text[at] == 'n' ? NOTHING : FLAG);
            at += length;
            break;
        }
        default:
            end = number_end(text, at, check);
            if (end < 0) return NOT_CLEAN;
            if (field >= 0) note_value(k, field, at, end, NUMBER);
            at = end;
    }
after:
    field = -1;
    switch (text[at]) {
        case ',':
            at++;
            if (frame->is_array) goto value;
            goto key;
        case '}':
        case ']':
            if (frame->is_array != (text[at++] == ']') || depth < 2) return NOT_CLEAN;
            if (frame->closes >= 0) k->values[frame->closes].end = at;
            if (depth == 2) {
                if ((problem = end_record(k, number++, at, check))) return problem;
                carefully = 0;
            }
            frame = &k->frames[--depth];
            if (at < k->length) goto after;
            return depth == 1 ? number : NOT_CLEAN;
    }
    return NOT_CLEAN;
key:
    if (!carefully) {
        Guess *guess = frame->guess;
        u64 rank = frame->rank;
        for (;;) { /* as long as it is the key that is likely, and a string: most of a record */
            Key *likely = &k->keys[guess->likely];
            if (same_bytes(k, likely, at) < likely->length + 4 || likely->rank <= rank) break;
            if (quote[3] >= (u32)k->length) return NOT_CLEAN;
            if (check && likely->expected && !(likely->expected & MAY_BE_STRING)) return NOT_CLEAN;
            rank = likely->rank, guess = &likely->next;
            if (likely->field >= 0) note_value(k, likely->field, at + likely->length + 4, quote[3], FRESH);
            at = quote[3] + 1, quote += 4;
            if (text[at] != ',') {
                frame->rank = rank, frame->guess = guess;
                goto after;
            }
            at++;
        }
        frame->rank = rank, frame->guess = guess;
    }
    problem = read_key(k, frame, &at, quote, check, carefully, &noted);
    if (problem == CAREFULLY) {
        carefully = 1, noted = 0, depth = 1, field = -1;
        frame = &k->frames[1], at = k->record_start, quote = record_quote;
        goto value;
    }
    if (problem) return problem;
    quote += 2;
    field = frame->value_field;
    if (text[at] == '"') {
        u8 expected = check && field >= 0 ? k->fields[field].expected & 15 : 0;
        if (quote[0] != (u32)at || quote[1] >= (u32)k->length || (expected && !(expected & MAY_BE_STRING))) return NOT_CLEAN;
        if (field >= 0) note_value(k, field, at + 1, quote[1], FRESH);
        at = quote[1] + 1, quote += 2;
        if (text[at] != ',') goto after;
        at++;
        goto key;
    }
    if (check && field >= 0) {
        u8 expected = k->fields[field].expected & 15;
        if (expected && !(expected & fits[text[at]])) return NOT_CLEAN;
    }
    goto value;
}
FOR_EACH_LEVEL(i32, scan_text, (Kernel *k, int check), (k, check))

/* ---- what Python calls */

static int own_level(void) {
#if defined(__x86_64__)
    u32 a, b, c, d, saved;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
    __asm__("xgetbv" : "=a"(saved), "=d"(d) : "c"(0)); /* which registers the operating system saves */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (saved & 6) != 6 || !(b & bit_BMI)) return 0;
    return (saved & 0xE6) == 0xE6 && b & bit_AVX512BW && c & bit_AVX512VBMI2 && b & bit_BMI2 ? 2 : b & bit_AVX2 ? 1 : 0;
#else
    return 0;
#endif
}

void kernel_free(Kernel *k) {
    if (!k) return;
    for (i32 key = 1; k->names && key < k->key_count; key++) free(k->names[key].text);
    for (i32 field = 0; k->watches && field < k->field_count; field++) free(k->watches[field].grams);
    void *owned[] = {k->texts, k->fields, k->predicates, k->choices, k->pointers, k->code, k->rules, k->shows, k->known,
                     k->reports, k->assets, k->next, k->watched, k->ends, k->field_table, k->entries, k->watches, k->values, k->asked, k->many,
                     k->quotes, k->odd, k->keys, k->names, k->key_table, k->hits, k->told.bytes, k->ready.bytes,
                     k->pending.bytes, k};
    for (u32 at = 0; at < sizeof owned / sizeof *owned; at++) free(owned[at]);
}

static void *copied(const void *from, i32 bytes) {
    void *to = malloc(bytes + 8);
    if (to && bytes) memcpy(to, from, bytes);
    return to;
}

static void add_entry(Kernel *k, u64 hash, i32 pointer) {
    u32 at = hash & k->entry_mask;
    while (k->entries[at].pointer >= 0) at = (at + 1) & k->entry_mask;
    k->entries[at] = (Entry){hash, pointer};
}

static int watch(Kernel *k, i32 pointer) {
    const PointerRow *row = &k->pointers[pointer];
    const u8 *text = k->texts + row->at;
    Watch *watch = &k->watches[row->field];
    i32 *list = row->kind == ALWAYS ? &k->always : row->kind == PRESENT ? &watch->present
        : row->kind == EQUAL ? &watch->equal : &watch->gram;
    if (row->kind != ALWAYS && watch->present < 0 && watch->equal < 0 && watch->gram < 0)
        k->watched[k->watched_count++] = row->field;
    k->next[pointer] = *list, *list = pointer;
    if (row->kind == EQUAL) {
        watch->lengths |= (u64)1 << row->length % 64;
        add_entry(k, hash_text(text, row->length, row->field), pointer);
    }
    if (row->kind != GRAM) return 1;
    if (!watch->grams && !(watch->grams = calloc(1, 1 << (GRAM_BITS - 3)))) return 0;
    if (row->length - 3 < watch->step) watch->step = row->length - 3;
    for (i32 at = 0; at + 4 <= row->length; at++) {
        u32 gram = gram_at(text + at), bit = gram_bit(gram);
        watch->grams[bit / 8] |= 1 << bit % 8;
        add_entry(k, hash_gram(gram, row->field), pointer);
    }
    return 1;
}

static u32 table_size(i32 count) {
    u32 size = 64;
    while (size < 4u * count) size *= 2;
    return size;
}

/* A kernel for these tables, which are copied; lengths are in bytes. NULL without memory. Field 0 is the record. */
Kernel *kernel_new(const u8 *texts, i32 texts_size, const i32 *fields, i32 fields_size, const i32 *predicates,
                   i32 predicates_size, const i32 *choices, i32 choices_size, const i32 *pointers, i32 pointers_size,
                   const i32 *code, i32 code_size, const i32 *rules, i32 rules_size, const i32 *shows, i32 shows_size,
                   const i32 *known, i32 known_size, const i32 *reports, i32 reports_size, const i32 *assets, i32 assets_size) {
    Kernel *k = calloc(1, sizeof *k);
    if (!k) return NULL;
    if (kernel_level < 0) kernel_level = own_level();
    k->field_count = fields_size / sizeof(FieldRow), k->pointer_count = pointers_size / sizeof(PointerRow);
    k->rule_count = rules_size / sizeof(RuleRow), k->report_count = reports_size / sizeof(ReportRow);
    u32 field_slots = table_size(k->field_count), entry_slots = table_size(GRAM_STEP * k->pointer_count);
    k->field_mask = field_slots - 1, k->entry_mask = entry_slots - 1, k->always = -1;
    int whole = (k->texts = copied(texts, texts_size)) && (k->fields = copied(fields, fields_size))
        && (k->predicates = copied(predicates, predicates_size)) && (k->choices = copied(choices, choices_size))
        && (k->pointers = copied(pointers, pointers_size)) && (k->code = copied(code, code_size))
        && (k->rules = copied(rules, rules_size)) && (k->shows = copied(shows, shows_size)) && (k->known = copied(known, known_size))
        && (k->reports = copied(reports, reports_size)) && (k->assets = copied(assets, assets_size))
        && (k->hits = malloc((k->rule_count + 1) * sizeof(i32)))
        && (k->next = calloc(k->pointer_count + 1, sizeof(i32))) && (k->watched = calloc(k->field_count, sizeof(i32)))
        && (k->ends = calloc(k->field_count, sizeof(Ends))) && (k->field_table = malloc(field_slots * sizeof(i32)))
        && (k->entries = malloc(entry_slots * sizeof(Entry))) && (k->watches = calloc(k->field_count, sizeof(Watch)))
        && (k->values = calloc(k->field_count, sizeof(Value))) && (k->asked = calloc(k->rule_count + 1, sizeof(u32)))
        && (k->keys = aligned_alloc(sizeof(Key), MOST_KEYS * sizeof(Key))) && (k->names = calloc(MOST_KEYS, sizeof(KeyName)))
        && (k->key_table = calloc(4 * MOST_KEYS, sizeof(i32)));
    k->key_count = 1; /* key 0 is the record */
    if (whole) {
        memset(k->keys, 0, MOST_KEYS * sizeof(Key));
        memset(k->field_table, -1, field_slots * sizeof(i32));
        memset(k->entries, -1, entry_slots * sizeof(Entry));
        for (i32 field = 0; field < k->field_count; field++) {
            const FieldRow *row = &k->fields[field];
            k->watches[field] = (Watch){-1, -1, -1, GRAM_STEP, NULL, 0};
            if (row->expected & REQUIRED) k->required = field;
            if (field == 0) continue;
            u64 hash = key_hash(k->texts + row->at, row->length, &k->ends[field]);
            u32 at = (hash + row->parent * 0x9E3779B1u) & k->field_mask;
            while (k->field_table[at] >= 0) at = (at + 1) & k->field_mask;
            k->field_table[at] = field;
        }
        for (i32 pointer = 0; whole && pointer < k->pointer_count; pointer++) whole = watch(k, pointer);
    }
    if (whole) return k;
    kernel_free(k);
    return NULL;
}

/* What a scan gives besides the number of records: JSON arrays, which stay until the next text. */
typedef struct {
    const u8 *told; u64 told_length; /* the records that rules match or may: see `tell` */
    const u8 *ready; u64 ready_length; /* matches of all others: see `put_ready` */
    const u8 *pending; u64 pending_length; /* such matches, if a regular expression holds */
    i32 ready_count, is_ascii;
} Found;

/* Scans `record,record,...`. Gives how many records there are, and what is found; or NOT_CLEAN (see the top; also a field of a
 * wrong type, or no name of the call), or NO_MEMORY. Without `wants_ready` all is told. Without `check` the text was written by
 * a JSON library of values that were read: no numbers, types and names are judged, keys may have escapes, spelt as those of
 * the tables, and no values are told. */
i32 kernel_scan(Kernel *k, const u8 *text, i32 length, i32 check, i32 wants_ready, Found *found) {
    if (length > k->room) {
        free(k->quotes), free(k->odd);
        k->odd = malloc((length / 64 + 2) * sizeof(u64));
        k->quotes = malloc(((u64)length + 16) * sizeof(u32));
        k->room = length;
        if (!k->quotes || !k->odd) return k->room = 0, NO_MEMORY;
    }
    if (k->record > UINT32_MAX / 2 || k->serial > UINT32_MAX / 2) { /* what is left from before must not look new */
        memset(k->values, 0, k->field_count * sizeof(Value));
        memset(k->asked, 0, k->rule_count * sizeof(u32));
        memset(k->few, 0, sizeof k->few);
        if (k->many) memset(k->many, 0, MANY_KEYS * sizeof(Seen));
        k->record = k->serial = 0;
    }
    k->text = text, k->length = length, k->ready_count = 0, k->wants_ready = wants_ready && k->report_count == k->rule_count;
    begin(&k->told), begin(&k->ready), begin(&k->pending);
    i32 count = scan_text(k, check);
    put(&k->told, "]", 1), put(&k->ready, "]", 1), put(&k->pending, "]", 1);
    *found = (Found){k->told.bytes, k->told.length, k->ready.bytes, k->ready.length, k->pending.bytes, k->pending.length,
                     k->ready_count, k->is_ascii};
    return count >= 0 && !(k->told.bytes && k->ready.bytes && k->pending.bytes) ? NO_MEMORY : count;
}
