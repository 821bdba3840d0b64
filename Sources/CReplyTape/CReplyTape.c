#include "CReplyTape.h"

#if !__has_include(<hiredis/hiredis.h>)
#error "hiredis is not installed: apt-get install libhiredis-dev, or brew install hiredis pkg-config"
#endif
#include <hiredis/hiredis.h>
#include <hiredis/read.h>
#include <stdlib.h>
#include <string.h>

struct reply_tape {
    redisReader *reader;
    reply_tape_limits limits;
    const char *error;

    reply_tape_node *nodes;
    size_t node_count, node_capacity;
    uint8_t *bytes;
    size_t byte_count, byte_capacity;

    // Where the reply under construction begins; what lies before it is complete.
    size_t open_node, open_byte;
};

// Kept after a large reply was consumed; more is given back.
enum { KEPT_NODES = 4096, KEPT_BYTES = 256 * 1024 };

static const char TOO_LARGE[] = "a reply is too large";
static const char TOO_MANY[] = "a reply has too many elements";

static void *refuse(reply_tape *tape, const char *why) {
    if (tape->error == NULL) tape->error = why;
    return NULL;  // hiredis takes it for "out of memory" and stops reading
}

static int reserve_bytes(reply_tape *tape, size_t more) {
    size_t needed = tape->byte_count + more;
    if (needed <= tape->byte_capacity) return 0;
    size_t capacity = tape->byte_capacity ? tape->byte_capacity : 4096;
    while (capacity < needed) capacity *= 2;
    uint8_t *grown = realloc(tape->bytes, capacity);
    if (grown == NULL) return -1;
    tape->bytes = grown;
    tape->byte_capacity = capacity;
    return 0;
}

static reply_tape_node *append(reply_tape *tape, uint32_t kind, int64_t value) {
    if (tape->node_count - tape->open_node >= tape->limits.reply_elements)
        return refuse(tape, TOO_MANY);
    if (tape->node_count == tape->node_capacity) {
        size_t capacity = tape->node_capacity ? tape->node_capacity * 2 : 256;
        reply_tape_node *grown = realloc(tape->nodes, capacity * sizeof(reply_tape_node));
        if (grown == NULL) return refuse(tape, "out of memory");
        tape->nodes = grown;
        tape->node_capacity = capacity;
    }
    reply_tape_node *node = &tape->nodes[tape->node_count++];
    *node = (reply_tape_node){.value = value, .offset = (uint32_t)tape->byte_count, .kind = kind};
    return node;
}

// hiredis calls back

static void *create_string(const redisReadTask *task, char *text, size_t length) {
    reply_tape *tape = task->privdata;
    if (task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_STATUS
        && task->type != REDIS_REPLY_ERROR)
        return refuse(tape, "a RESP3 type where RESP2 was agreed");
    // The bytes behind a bulk string are in the buffer already; hiredis skips them unread.
    if (task->type == REDIS_REPLY_STRING && (text[length] != '\r' || text[length + 1] != '\n'))
        return refuse(tape, "a bulk string is not followed by CR LF");
    if (tape->byte_count - tape->open_byte + length > tape->limits.reply_bytes)
        return refuse(tape, TOO_LARGE);
    if (reserve_bytes(tape, length) != 0) return refuse(tape, "out of memory");
    if (append(tape, (uint32_t)task->type, (int64_t)length) == NULL) return NULL;
    memcpy(tape->bytes + tape->byte_count, text, length);
    tape->byte_count += length;
    return tape;
}

static void *create_sequence(const redisReadTask *task, uint64_t elements) {
    reply_tape *tape = task->privdata;
    int depth = 1;
    if (task->type != REDIS_REPLY_ARRAY)
        return refuse(tape, "a RESP3 type where RESP2 was agreed");
    for (const redisReadTask *outer = task->parent; outer != NULL; outer = outer->parent) depth++;
    if (depth > REPLY_TAPE_DEPTH) return refuse(tape, "a reply is nested too deep");
    if (elements > tape->limits.reply_elements)
        return refuse(tape, TOO_MANY);
    return append(tape, REPLY_TAPE_ARRAY, (int64_t)elements) ? tape : NULL;
}

static void *create_integer(const redisReadTask *task, long long value) {
    reply_tape *tape = task->privdata;
    return append(tape, REPLY_TAPE_INTEGER, value) ? tape : NULL;
}

static void *create_nil(const redisReadTask *task) {
    reply_tape *tape = task->privdata;
    if (task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_ARRAY)
        return refuse(tape, "a RESP3 type where RESP2 was agreed");
    return append(tape, REPLY_TAPE_NIL, 0) ? tape : NULL;
}

static void free_object(void *object) { (void)object; }

#if HIREDIS_MAJOR >= 1
static void *create_array(const redisReadTask *task, size_t elements) {
    return create_sequence(task, elements);
}

static void *create_double(const redisReadTask *task, double value, char *text, size_t length) {
    (void)value, (void)text, (void)length;
    return refuse(task->privdata, "a RESP3 type where RESP2 was agreed");
}

static void *create_bool(const redisReadTask *task, int value) {
    (void)value;
    return refuse(task->privdata, "a RESP3 type where RESP2 was agreed");
}
#else
static void *create_array(const redisReadTask *task, int elements) {
    return create_sequence(task, elements < 0 ? 0 : (uint64_t)elements);
}
#endif

// hiredis keeps the pointer, so the table lives as long as the program.
static redisReplyObjectFunctions callbacks = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
#if HIREDIS_MAJOR >= 1
    .createDouble = create_double,
    .createBool = create_bool,
#endif
    .freeObject = free_object,
};

static const redisReadTask *current_task(const redisReader *reader) {
    if (reader->ridx < 0) return NULL;
#if HIREDIS_MAJOR >= 1
    return reader->task[reader->ridx];
#else
    return &reader->rstack[reader->ridx];
#endif
}

// Refuses an incomplete item that is, or says it will be, larger than allowed.
static int check_incomplete(reply_tape *tape) {
    const redisReader *reader = tape->reader;
    const redisReadTask *task = current_task(reader);
    size_t waiting = reader->len - reader->pos;
    if (task == NULL || waiting == 0) return 0;
    const char *text = reader->buf + reader->pos;
    if (task->type == REDIS_REPLY_STRING) {
        uint64_t announced = 0;
        size_t digits = 0;
        while (digits < waiting && digits < 20 && text[digits] >= '0' && text[digits] <= '9')
            announced = announced * 10 + (uint64_t)(text[digits++] - '0');
        uint64_t held = tape->byte_count - tape->open_byte;
        if (digits >= 19 || announced + held > tape->limits.reply_bytes) {
            refuse(tape, TOO_LARGE);
            return -1;
        }
        if (memchr(text, '\n', waiting < 32 ? waiting : 32) != NULL) return 0;
        if (waiting < 32) return 0;
    } else if (waiting <= tape->limits.line_bytes) {
        return 0;
    }
    refuse(tape, "a line of a reply is too long");
    return -1;
}

// Sets `end` of every node of the reply that has just become complete. Children stand behind
// their parent, so that going backwards each child's end is known before its parent asks.
static void close_reply(reply_tape *tape) {
    for (size_t i = tape->node_count; i-- > tape->open_node;) {
        reply_tape_node *node = &tape->nodes[i];
        uint32_t end = (uint32_t)i + 1;
        if (node->kind == REPLY_TAPE_ARRAY)
            for (int64_t child = 0; child < node->value; child++) end = tape->nodes[end].end;
        node->end = end;
    }
    tape->open_node = tape->node_count;
    tape->open_byte = tape->byte_count;
}

reply_tape *reply_tape_create(reply_tape_limits limits) {
    reply_tape *tape = calloc(1, sizeof(reply_tape));
    if (tape == NULL) return NULL;
    tape->limits = limits;
    tape->reader = redisReaderCreateWithFunctions(&callbacks);
    if (tape->reader == NULL) {
        free(tape);
        return NULL;
    }
    tape->reader->privdata = tape;
    // An emptied buffer up to this size is kept for the next slice.
    tape->reader->maxbuf = 2 * REPLY_TAPE_SLICE;
    return tape;
}

void reply_tape_free(reply_tape *tape) {
    if (tape == NULL) return;
    redisReaderFree(tape->reader);
    free(tape->nodes);
    free(tape->bytes);
    free(tape);
}

int reply_tape_feed(reply_tape *tape, const void *bytes, size_t length) {
    if (tape->error != NULL) return -1;
    if (length > REPLY_TAPE_SLICE) {
        refuse(tape, "a slice is too long");
        return -1;
    }
    if (redisReaderFeed(tape->reader, bytes, length) != REDIS_OK) {
        refuse(tape, "out of memory");
        return -1;
    }
    for (;;) {
        void *reply = NULL;
        int status = redisReaderGetReply(tape->reader, &reply);
        if (status != REDIS_OK) {
            refuse(tape, tape->reader->errstr);
            return -1;
        }
        if (reply == NULL) return check_incomplete(tape);
        close_reply(tape);
    }
}

const reply_tape_node *reply_tape_nodes(const reply_tape *tape) { return tape->nodes; }
size_t reply_tape_node_count(const reply_tape *tape) { return tape->open_node; }
const uint8_t *reply_tape_bytes(const reply_tape *tape) { return tape->bytes; }
size_t reply_tape_byte_count(const reply_tape *tape) { return tape->open_byte; }
const char *reply_tape_error(const reply_tape *tape) { return tape->error; }

int reply_tape_is_too_large(const reply_tape *tape) {
    return tape->error == TOO_LARGE || tape->error == TOO_MANY;
}

void reply_tape_consume(reply_tape *tape) {
    size_t nodes = tape->node_count - tape->open_node;
    size_t bytes = tape->byte_count - tape->open_byte;
    if (nodes > 0) {
        memmove(tape->nodes, tape->nodes + tape->open_node, nodes * sizeof(reply_tape_node));
        for (size_t i = 0; i < nodes; i++) tape->nodes[i].offset -= (uint32_t)tape->open_byte;
    }
    if (bytes > 0) memmove(tape->bytes, tape->bytes + tape->open_byte, bytes);
    tape->node_count = nodes;
    tape->byte_count = bytes;
    tape->open_node = tape->open_byte = 0;
    if (nodes == 0 && tape->node_capacity > KEPT_NODES) {
        free(tape->nodes);
        tape->nodes = NULL;
        tape->node_capacity = 0;
    }
    if (bytes == 0 && tape->byte_capacity > KEPT_BYTES) {
        free(tape->bytes);
        tape->bytes = NULL;
        tape->byte_capacity = 0;
    }
}

size_t reply_tape_footprint(const reply_tape *tape) {
    return sizeof(reply_tape) + tape->node_capacity * sizeof(reply_tape_node)
        + tape->byte_capacity + tape->reader->len;
}

#define TEXT_OF(number) #number
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *reply_tape_hiredis_version(void) {
    return VERSION_TEXT(HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
}
