/* What the server answers to each request. */
#ifndef DEMO_REQUESTS_H
#define DEMO_REQUESTS_H

#include "server.h"

void answer_request(struct server *server, struct connection *connection,
                    const struct request *request);

/* More of the file that is being uploaded: 0, or -1: end the connection. */
int continue_upload(struct server *server, struct connection *connection, const char *bytes,
                    size_t count);

#endif
