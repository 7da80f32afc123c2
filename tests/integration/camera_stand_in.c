/* A camera of Video4Linux for programs that this library is preloaded into: /dev/video42.

   What is loaded after it opens that file as a buffer in memory, whose pictures (YUYV, each of one
   grey, lighter each time) come at 30 a second. $CAMERA says what goes wrong: "refuses", "busy",
   "lost" (after 20 pictures) or "hangs" (after 20). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 64, HEIGHT = 48, BYTES = WIDTH * HEIGHT * 2, STEP = 8192, BUFFERS = 4, GOOD = 20 };

static int camera = -1;
static unsigned char *memory;
static unsigned taken, queued[BUFFERS], waiting;

static int is(const char *what)
{
    const char *mode = getenv("CAMERA");
    return mode && strcmp(mode, what) == 0;
}

static int fail(int number)
{
    errno = number;
    return -1;
}

static int open_camera(void)
{
    if (is("refuses"))
        return fail(EACCES);
    camera = memfd_create("camera", 0);
    if (camera < 0 || ftruncate(camera, BUFFERS * STEP))
        return -1;
    memory = mmap(NULL, BUFFERS * STEP, PROT_READ | PROT_WRITE, MAP_SHARED, camera, 0);
    return camera;
}

static int is_camera(const char *path)
{
    return strcmp(path, "/dev/video42") == 0;
}

#define OPEN(name)                                                        \
    int name(const char *path, int flags, ...)                            \
    {                                                                     \
        va_list rest;                                                     \
        va_start(rest, flags);                                            \
        int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0; \
        va_end(rest);                                                     \
        int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);    \
        return is_camera(path) ? open_camera() : next(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

static void describe(struct v4l2_format *format)
{
    format->fmt.pix.width = WIDTH;
    format->fmt.pix.height = HEIGHT;
    format->fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
    format->fmt.pix.field = V4L2_FIELD_NONE;
    format->fmt.pix.bytesperline = WIDTH * 2;
    format->fmt.pix.sizeimage = BYTES;
}

static int take(struct v4l2_buffer *buffer)
{
    struct timespec frame = {0, 33333333}, now;
    if (taken >= GOOD && is("lost"))
        return fail(ENODEV);
    while (taken >= GOOD && is("hangs"))
        sleep(1000);
    if (!waiting)
        return fail(EAGAIN);
    nanosleep(&frame, NULL);
    buffer->index = queued[0];
    memmove(queued, queued + 1, --waiting * sizeof *queued);
    for (int i = 0; i < BYTES; i += 2) {
        memory[buffer->index * STEP + i] = (unsigned char)(40 + taken * 4 % 180);
        memory[buffer->index * STEP + i + 1] = 128;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    buffer->timestamp.tv_sec = now.tv_sec;
    buffer->timestamp.tv_usec = now.tv_nsec / 1000;
    buffer->bytesused = BYTES;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    taken++;
    return 0;
}

static int answer(unsigned long request, void *argument)
{
    switch (request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *can = argument;
        can->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    }
    case VIDIOC_G_INPUT:
        *(int *)argument = 0;
        return 0;
    case VIDIOC_ENUMINPUT:
        return ((struct v4l2_input *)argument)->index ? fail(EINVAL) : 0;
    case VIDIOC_ENUM_FMT: {
        struct v4l2_fmtdesc *format = argument;
        format->pixelformat = V4L2_PIX_FMT_YUYV;
        return format->index ? fail(EINVAL) : 0;
    }
    case VIDIOC_S_FMT:
        if (is("busy"))
            return fail(EBUSY);
        /* fall through */
    case VIDIOC_G_FMT:
        describe(argument);
        return 0;
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM: {
        struct v4l2_captureparm *rate = &((struct v4l2_streamparm *)argument)->parm.capture;
        rate->capability = V4L2_CAP_TIMEPERFRAME;
        rate->timeperframe.numerator = 1;
        rate->timeperframe.denominator = 30;
        return 0;
    }
    case VIDIOC_REQBUFS:
        ((struct v4l2_requestbuffers *)argument)->count = BUFFERS;
        return 0;
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *buffer = argument;
        buffer->m.offset = buffer->index * STEP;
        buffer->length = BYTES;
        return 0;
    }
    case VIDIOC_QBUF:
        queued[waiting++] = ((struct v4l2_buffer *)argument)->index;
        return 0;
    case VIDIOC_DQBUF:
        return take(argument);
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF:
        return 0;
    }
    return fail(ENOTTY);
}

int ioctl(int file, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    int (*next)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    /* some callers pass the request as a signed int */
    return file == camera && file >= 0 ? answer((unsigned)request, argument)
                                       : next(file, request, argument);
}
