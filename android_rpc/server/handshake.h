/*
 * The first bytes of a TVM RPC connection (tvm/rpc/server.py): the client
 * sends a magic number, a 32-bit length and "client:MATCH_KEY -timeout=S";
 * the server answers with the magic number and its own key, or with a code.
 * Ours alone is the option -hold=S: for so long after the session nobody else
 * gets the device, and the same match key opens the next one.
 */
#ifndef RPC_SERVER_HANDSHAKE_H
#define RPC_SERVER_HANDSHAKE_H

/*
 * 0 when `hello` (changed in place) names the match key. `limit_s` is then the
 * longest session that the client asks for, in seconds, 0 for no limit.
 */
int parse_hello(char *hello, const char *match_key, double *limit_s);

/* The seconds of a -hold option in `hello`, at most MAX_HOLD_S; 0 without one that is a number. */
double parse_hold(const char *hello);

enum { MAX_HOLD_S = 10 };

/* The whole exchange, in a few seconds at most. 0, or -1: close the connection. */
int shake_hands(int fd, const char *key, const char *match_key, double *limit_s, double *hold_s);

#endif
