#ifndef CREPLYTAPE_H
#define CREPLYTAPE_H

#include <stddef.h>
#include <stdint.h>

// Replies as a flat tape, read by hiredis's redisReader.
//
//   bytes in:   *2\r\n$3\r\nabc\r\n:7\r\n
//
//   nodes:   0 array   value=2  end=3        bytes:  a b c
//            1 string  value=3  offset=0 end=2       ^ offset 0
//            2 integer value=7  end=3
//
// A node's `end` is the index just behind its subtree, so a node's next sibling is found
// without a walk. Several replies lie behind one another on one tape; each root's `end` is
// the next root. hiredis calls back for every element as soon as it is whole; nothing is
// reserved for what a header only announces, so memory follows the bytes received.
//
// What hiredis 0.14 does not check is checked here, and answered alike with 1.x: nesting
// deeper than eight, too many elements, replies too large (refused when announced), endless
// status lines, a bulk string not ended by CR LF, every RESP3 type.

enum {
    REPLY_TAPE_STRING = 1,
    REPLY_TAPE_ARRAY = 2,
    REPLY_TAPE_INTEGER = 3,
    REPLY_TAPE_NIL = 4,
    REPLY_TAPE_STATUS = 5,
    REPLY_TAPE_ERROR = 6
};

// hiredis moves what is left of a slice whenever it has read a kilobyte of it, so that longer
// slices cost more for each byte.
enum { REPLY_TAPE_SLICE = 8 * 1024 };

// Nested arrays beyond this end the connection.
enum { REPLY_TAPE_DEPTH = 8 };

typedef struct {
    int64_t value;    // an integer, a string's length, or an array's number of children
    uint32_t offset;  // a string's place in the bytes, counted from the tape's first
    uint32_t end;     // index of the first node behind this subtree
    uint32_t kind;    // REPLY_TAPE_…
} reply_tape_node;

typedef struct {
    uint64_t reply_bytes;     // bytes of one reply, strings and lines
    uint64_t reply_elements;  // nodes of one reply
    uint64_t line_bytes;      // one status, error, integer or header line
} reply_tape_limits;

typedef struct reply_tape reply_tape;

// NULL when memory is short.
reply_tape *reply_tape_create(reply_tape_limits limits);
void reply_tape_free(reply_tape *tape);

// Takes at most REPLY_TAPE_SLICE bytes. 0, or -1 after which the tape takes no more bytes and
// reply_tape_error says why. Replies completed before the error are on the tape either way.
int reply_tape_feed(reply_tape *tape, const void *bytes, size_t length);

// What is complete: nodes[0 ..< count] and bytes[0 ..< byte_count]. Valid until the next call
// of feed or consume.
const reply_tape_node *reply_tape_nodes(const reply_tape *tape);
size_t reply_tape_node_count(const reply_tape *tape);
const uint8_t *reply_tape_bytes(const reply_tape *tape);
size_t reply_tape_byte_count(const reply_tape *tape);

// Forgets all complete replies.
void reply_tape_consume(reply_tape *tape);

// NULL while the tape is sound.
const char *reply_tape_error(const reply_tape *tape);

// Whether the reply is sound as far as is known, but larger than the limits allow.
int reply_tape_is_too_large(const reply_tape *tape);

// Memory held by the tape, its bytes and hiredis's buffer, for tests of the limits.
size_t reply_tape_footprint(const reply_tape *tape);

// The version of hiredis that this was built with, such as 0.14.1.
const char *reply_tape_hiredis_version(void);

#endif
