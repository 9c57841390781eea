/*
 * Lets keepalived run its health checks on a kernel without IPVS: preloaded (LD_PRELOAD), it stands in for the few
 * functions of libnl by which keepalived talks to IPVS. Every request is taken for carried out. Where FAKEIPVS_LOG names
 * a file, each request is written there as a line: seconds, a blank, the message in hexadecimal digits.
 */
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FINISH = 1, ACK = 4 }; /* enum nl_cb_type */
struct nl_sock;
struct nl_msg;
extern struct nlmsghdr *nlmsg_hdr(struct nl_msg *);

static int *answered[8];
static unsigned answers;

int genl_ctrl_resolve(struct nl_sock *socket, const char *family)
{
	(void)socket, (void)family;
	return 30;
}

/* keepalived gives the place where it wants to see that the answer has come. */
int nl_socket_modify_cb(struct nl_sock *socket, int type, int kind, void *call, void *place)
{
	(void)socket, (void)kind, (void)call;
	if ((type == FINISH || type == ACK) && answers < sizeof answered / sizeof *answered)
		answered[answers++] = place;
	return 0;
}

int nl_recvmsgs_default(struct nl_sock *socket)
{
	(void)socket;
	for (unsigned i = 0; i < answers; i++)
		if (answered[i])
			*answered[i] = 1;
	return 0;
}

int nl_send_auto(struct nl_sock *socket, struct nl_msg *message)
{
	(void)socket;
	const struct nlmsghdr *header = nlmsg_hdr(message);
	const unsigned char *bytes = (const unsigned char *)header;
	const char *path = getenv("FAKEIPVS_LOG");
	FILE *log = path ? fopen(path, "a") : NULL;
	if (log) {
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		fprintf(log, "%ld.%06ld ", (long)now.tv_sec, now.tv_nsec / 1000);
		for (unsigned i = 0; i < header->nlmsg_len; i++)
			fprintf(log, "%02x", bytes[i]);
		fputc('\n', log);
		fclose(log);
	}
	return (int)header->nlmsg_len;
}
