/*
 * Reading JSON (RFC 8259) where it lies.
 *
 * `json_read` checks a whole text; what is found in it afterwards are parts of that text, and
 * nothing is allocated. Values lie at most 16 deep.
 */
#ifndef DEMO_JSON_H
#define DEMO_JSON_H

#include <stddef.h>
#include <stdint.h>

struct json { /* one value, without the white space around it */
  const char *text, *end;
};

/* 0 when the text is one value and nothing else, else -1. */
int json_read(const char *text, size_t size, struct json *value);

/* The first member of that name in an object: 0, or -1 where it is no object or has none. */
int json_member(struct json object, const char *name, struct json *value);

/* The item at a place of an array: 0, or -1 where it is no array or shorter. */
int json_item(struct json array, size_t place, struct json *value);

/* A string, with a zero at its end: 0, or -1 where it is none, does not fit, or has a zero. */
int json_string(struct json value, char *text, size_t capacity);

/* A whole number from `least` to `most`: 0, or -1 for anything else. */
int json_integer(struct json value, int32_t least, int32_t most, int32_t *number);

#endif
