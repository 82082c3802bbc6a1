/*
 * raw_netlink FAMILY TABLE, in the network namespace of the table: commits elements with as little as it takes, one
 * netlink message and its acknowledgement. What nft needs beyond that is nft's.
 *
 * FAMILY: 2 (ip) or 10 (ip6). Lines on stdin, fields divided by tabs:
 *   add     SET  KEY  data DATA        COMMENT      of a map
 *   add     SET  KEY  goto CHAIN       COMMENT      of a verdict map; also jump, and drop or accept with CHAIN "-"
 *   add     SET  KEY  set  -           COMMENT      of a set
 *   delete  SET  KEY
 *   commit                                          all lines since the last one, as one transaction
 * KEY and DATA are in hex, as the kernel compares them; COMMENT may be empty. Answers a commit by the nanoseconds from
 * the first system call to the acknowledgement; ends with a message on stderr where the kernel refuses it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 20, MAX_LINE = 4096, MAX_HEX = 64, FIELDS = 6 };

/* libnftnl's types of user data: a comment of an element. */
enum { UDATA_SET_ELEM_COMMENT = 0 };

static char batch[ROOM];
static size_t used;
static struct nlmsghdr *last_message;
static uint32_t sequence;
static uint8_t family;
static const char *table;

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* Zeroed room at the end of the batch, aligned as netlink wants it. */
static void *reserve(size_t length)
{
	void *room = batch + used;

	if (used + NLMSG_ALIGN(length) > ROOM)
		die("a transaction of more than %d bytes", ROOM);
	memset(room, 0, NLMSG_ALIGN(length));
	used += NLMSG_ALIGN(length);
	return room;
}

static struct nlmsghdr *begin_message(uint16_t type, uint16_t flags, uint8_t of_family, uint16_t resource)
{
	struct nlmsghdr *message = reserve(NLMSG_LENGTH(sizeof(struct nfgenmsg)));
	struct nfgenmsg *header = NLMSG_DATA(message);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = sequence++;
	header->nfgen_family = of_family;
	header->version = NFNETLINK_V0;
	header->res_id = htons(resource);
	return message;
}

static void end_message(struct nlmsghdr *message)
{
	message->nlmsg_len = (uint32_t)(batch + used - (char *)message);
}

static void put(uint16_t type, const void *data, size_t length)
{
	struct nlattr *attribute = reserve(NLA_HDRLEN + length);

	attribute->nla_type = type;
	attribute->nla_len = (uint16_t)(NLA_HDRLEN + length);
	memcpy((char *)attribute + NLA_HDRLEN, data, length);
}

static void put_text(uint16_t type, const char *text)
{
	put(type, text, strlen(text) + 1);
}

static struct nlattr *begin_nest(uint16_t type)
{
	struct nlattr *nest = reserve(NLA_HDRLEN);

	nest->nla_type = type | NLA_F_NESTED;
	return nest;
}

static void end_nest(struct nlattr *nest)
{
	nest->nla_len = (uint16_t)(batch + used - (char *)nest);
}

static void put_hex(uint16_t type, const char *hex)
{
	uint8_t bytes[MAX_HEX];
	size_t length = strlen(hex) / 2;
	struct nlattr *nest = begin_nest(type);

	if (length == 0 || length > MAX_HEX || strlen(hex) % 2 != 0)
		die("not a key or value: %s", hex);
	for (size_t i = 0; i < length; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &bytes[i]) != 1)
			die("not hex: %s", hex);
	put(NFTA_DATA_VALUE, bytes, length);
	end_nest(nest);
}

static void put_verdict(const char *verb, const char *chain)
{
	static const struct {
		const char *verb;
		int code;
	} VERDICTS[] = { { "goto", NFT_GOTO }, { "jump", NFT_JUMP }, { "drop", NF_DROP }, { "accept", NF_ACCEPT } };
	struct nlattr *data = begin_nest(NFTA_SET_ELEM_DATA);
	struct nlattr *verdict = begin_nest(NFTA_DATA_VERDICT);

	for (size_t i = 0;; i++) {
		if (i == sizeof(VERDICTS) / sizeof(*VERDICTS))
			die("not a verdict: %s", verb);
		if (strcmp(verb, VERDICTS[i].verb) != 0)
			continue;
		put(NFTA_VERDICT_CODE, &(uint32_t){ htonl((uint32_t)VERDICTS[i].code) }, sizeof(uint32_t));
		break;
	}
	if (strcmp(chain, "-") != 0)
		put_text(NFTA_VERDICT_CHAIN, chain);
	end_nest(verdict);
	end_nest(data);
}

static void put_comment(const char *comment)
{
	size_t length = strlen(comment) + 1;
	uint8_t data[2 + 255];

	if (length > 255)
		die("a comment of %zu characters", length - 1);
	data[0] = UDATA_SET_ELEM_COMMENT;
	data[1] = (uint8_t)length;
	memcpy(data + 2, comment, length);
	put(NFTA_SET_ELEM_USERDATA, data, 2 + length);
}

/* One message for each element: what several in a message would save is a fraction of a microsecond. */
static void element(uint16_t operation, char *const field[FIELDS])
{
	uint16_t flags = operation == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0;
	struct nlattr *elements, *one;

	last_message = begin_message((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | operation), flags, family, 0);
	put_text(NFTA_SET_ELEM_LIST_TABLE, table);
	put_text(NFTA_SET_ELEM_LIST_SET, field[1]);
	elements = begin_nest(NFTA_SET_ELEM_LIST_ELEMENTS);
	one = begin_nest(NFTA_LIST_ELEM);
	put_hex(NFTA_SET_ELEM_KEY, field[2]);
	if (operation == NFT_MSG_NEWSETELEM) {
		if (strcmp(field[3], "data") == 0)
			put_hex(NFTA_SET_ELEM_DATA, field[4]);
		else if (strcmp(field[3], "set") != 0)
			put_verdict(field[3], field[4]);
		if (*field[5] != '\0')
			put_comment(field[5]);
	}
	end_nest(one);
	end_nest(elements);
	end_message(last_message);
}

static void begin_batch(void)
{
	used = 0;
	last_message = NULL;
	end_message(begin_message(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Sends the batch and waits for the acknowledgement of its last element, which comes after the commit. */
static long long commit(int netlink)
{
	static char answer[1 << 16];
	struct nlmsghdr *message = (struct nlmsghdr *)answer;
	long long started;
	ssize_t length;

	if (last_message == NULL)
		die("nothing to commit");
	last_message->nlmsg_flags |= NLM_F_ACK;
	end_message(begin_message(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
	started = now();
	if (send(netlink, batch, used, 0) < 0)
		die("send: %s", strerror(errno));
	length = recv(netlink, answer, sizeof(answer), 0);
	if (length < 0 || !NLMSG_OK(message, (size_t)length) || message->nlmsg_type != NLMSG_ERROR)
		die("no acknowledgement: %s", strerror(errno));
	if (((struct nlmsgerr *)NLMSG_DATA(message))->error != 0)
		die("the kernel refuses a transaction: %s", strerror(-((struct nlmsgerr *)NLMSG_DATA(message))->error));
	return now() - started;
}

static int open_netlink(void)
{
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int room = 2 * ROOM;

	if (netlink < 0 || bind(netlink, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("netlink: %s", strerror(errno));
	if (setsockopt(netlink, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		die("SO_SNDBUFFORCE: %s", strerror(errno));
	return netlink;
}

int main(int argc, char **argv)
{
	static char line[MAX_LINE];
	int netlink;

	if (argc != 3)
		die("usage: raw_netlink FAMILY TABLE");
	family = (uint8_t)atoi(argv[1]);
	table = argv[2];
	netlink = open_netlink();
	begin_batch();
	while (fgets(line, sizeof(line), stdin) != NULL) {
		char *field[FIELDS] = { "", "", "", "", "", "" };
		char *rest = line;

		line[strcspn(line, "\n")] = '\0';
		for (int i = 0; i < FIELDS && rest != NULL; i++)
			field[i] = strsep(&rest, "\t");
		if (strcmp(field[0], "add") == 0) {
			element(NFT_MSG_NEWSETELEM, field);
		} else if (strcmp(field[0], "delete") == 0) {
			element(NFT_MSG_DELSETELEM, field);
		} else if (strcmp(field[0], "commit") == 0) {
			printf("%lld\n", commit(netlink));
			fflush(stdout);
			begin_batch();
		} else {
			die("not a command: %s", line);
		}
	}
	return 0;
}
