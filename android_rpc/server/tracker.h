/*
 * The server's side of the TVM RPC tracker's protocol (tvm/rpc/tracker.py):
 * a magic number both ways, then messages of a 32-bit little-endian length
 * and as many bytes of JSON; each is answered by one such message.
 */
#ifndef RPC_SERVER_TRACKER_H
#define RPC_SERVER_TRACKER_H

#include <netinet/in.h>

enum { MAX_ABOUT = 4096, MAX_KEY = 100, MATCH_KEY_SIZE = MAX_KEY + 34 };

/* 1 when the key needs no escaping in JSON or in a handshake. */
int valid_key(const char *key);

/*
 * Connects and tells the tracker who serves where, and `about` the device, if
 * not NULL: JSON that clients find in the tracker's summary. The connection, or -1.
 */
int tracker_connect(const struct sockaddr_in *tracker, const char *key,
                    const struct sockaddr_in *advertised, const char *about);

/* Offers the server to one client, under a fresh random match key. 0, or -1. */
int tracker_offer(int fd, const char *key, const struct sockaddr_in *advertised,
                  char match_key[MATCH_KEY_SIZE]);

/* 1: the offer still waits; 0: a client has taken it; -1: the tracker is lost. */
int tracker_offer_waits(int fd, const char *match_key);

#endif
