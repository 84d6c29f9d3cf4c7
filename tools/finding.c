/* SPDX-License-Identifier: Apache-2.0
 *
 * finding.c: from program counters to names: every stack, object, lock and text of a finding. After
 * resolve_report nothing in a finding needs the debug information any more.
 *
 * Placeholders in texts keep the library free of symbols: it writes {pc:0x55..}, {fn:0x55..}, {var:0x55..},
 * {made:0x55..} and {obj}, and the words are put in here. In texts a place is short (file:line without the directory),
 * since the participants above show it in full.
 */
#include "resolve.h"

#include "objname.h"
#include "options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Words for readers -------------------------------------------------------------------------------- */

/* The root must end at a component: /a/bc is not inside /a/b. */
const char *resolve_path(struct arena *a, const char *path)
{
	char cwd[4096];
	const char *root = gosan_options.source_root;

	if (!root || !*root)
		root = getcwd(cwd, sizeof cwd);
	size_t n = root ? strlen(root) : 0;
	while (n > 0 && root[n - 1] == '/')
		n--;
	if (n > 0 && strncmp(path, root, n) == 0 && path[n] == '/')
		return arena_strdup(a, path + n + 1);
	return path;
}

/* Whatever is known, in the form that tools can use further: file:line for editors, module+offset for
 * addr2line. */
const char *resolve_place(struct arena *a, const struct frame *f)
{
	if (*f->file && f->line)
		return arena_printf(a, "%s:%u", resolve_path(a, f->file), f->line);
	if (*f->module)
		return arena_printf(a, "%s+0x%" PRIx64, f->module, f->offset);
	return arena_printf(a, "0x%" PRIx64, f->pc);
}

const char *resolve_place_short(struct arena *a, const struct frame *f)
{
	const char *place = resolve_place(a, f), *slash = *place == '/' ? strrchr(place, '/') : NULL;

	return slash ? slash + 1 : place;
}

const char *resolve_function(const struct frame *f)
{
	return *f->function ? f->function : "??";
}

/* Goroutine ids win over thread ordinals: a goroutine that is known has a thread only for the moment. */
const char *resolve_who(struct arena *a, uint64_t g, uint64_t t, const char *name)
{
	const char *quote = *name ? "\"" : "", *space = *name ? " " : "";

	if (g)
		return arena_printf(a, "goroutine %" PRIu64 "%s%s%s%s", g, space, quote, name, quote);
	if (t)
		return arena_printf(a, "thread %" PRIu64 "%s%s%s%s", t, space, quote, name, quote);
	return "the system";
}

/* --- Placeholders ------------------------------------------------------------------------------------- */

struct context {
	struct arena *a;
	struct symbolizer *z;
	const struct process *p;
	const struct finding *f;
};

/* A lock without a static variable is called what the report calls it elsewhere. */
static const char *variable(const struct context *c, uint64_t address)
{
	const char *name = symbolize_variable(c->z, c->p, address, 0);

	if (name)
		return name;
	if (c->f && address == c->f->object.address)
		return objname_label(c->a, &c->f->object);
	for (size_t i = 0; c->f && i < c->f->n_parts; i++)
		for (size_t k = 0; k < c->f->parts[i].n_locks; k++)
			if (c->f->parts[i].locks[k].address == address)
				return objname_label(c->a, &c->f->parts[i].locks[k]);
	return arena_printf(c->a, "0x%" PRIx64, address);
}

/* The value of {pc:..} and {fn:..} is a return address as everywhere in the stream; a function without a
 * name is told by its place. */
static const char *placeholder(const struct context *c, const char *word, uint64_t value)
{
	if (strcmp(word, "obj") == 0 && c->f)
		return c->f->object.general_name ? c->f->object.general_name
						 : objname_label(c->a, &c->f->object);
	if (strcmp(word, "var") == 0)
		return variable(c, value);
	if (strcmp(word, "pc") != 0 && strcmp(word, "fn") != 0 && strcmp(word, "made") != 0)
		return NULL;
	struct frame f = symbolize_pc(c->z, c->p, value);
	if (*word == 'm')
		return objname_made(c->a, &f);
	if (*word == 'f' && *f.function)
		return f.function;
	return resolve_place_short(c->a, &f);
}

/* What looks like a placeholder and is none stays as it is. */
static const char *expand(const struct context *c, const char *text)
{
	const char *out = "";

	/* Each turn copies up to the next brace; quadratic in the number of placeholders, of which a
	 * text has a handful. */
	for (const char *open; (open = strchr(text, '{')) != NULL;) {
		char word[8] = "";
		uint64_t value = 0;
		const char *close = strchr(open, '}'), *replacement = NULL;

		if (close && sscanf(open, "{%7[a-z]:%" SCNx64 "}", word, &value) >= 1)
			replacement = placeholder(c, word, value);
		if (!replacement)
			close = open;
		out = arena_printf(c->a, "%s%.*s%s", out, (int)(open - text), text,
				   replacement ? replacement : "{");
		text = close + 1;
	}
	return arena_printf(c->a, "%s%s", out, text);
}

/* "{fn:a} / {fn:b}" names the two sides of a finding: by the alphabet, since who came first is an accident. */
static const char *in_order(const struct context *c, const char *title)
{
	const char *at = strstr(title, "{fn:");
	uint64_t one, other;
	int n = 0;

	if (!at || sscanf(at, "{fn:%" SCNx64 "} / {fn:%" SCNx64 "}%n", &one, &other, &n) != 2 || n == 0 ||
	    strcmp(placeholder(c, "fn", one), placeholder(c, "fn", other)) <= 0)
		return title;
	return arena_printf(c->a, "%.*s{fn:0x%" PRIx64 "} / {fn:0x%" PRIx64 "}%s", (int)(at - title), title,
			    other, one, at + n);
}

/* --- Resolving ---------------------------------------------------------------------------------------- */

/* Names from go_set_name come first; without one the function of the go statement serves as the name. */
static void resolve_part(struct context *c, struct part *part)
{
	symbolize_stack(c->z, c->p, &part->stack);
	symbolize_stack(c->z, c->p, &part->created);
	/* The runtime makes the main goroutine, at whatever call of it comes first. */
	if (part->g == 1)
		part->created.n = 0;
	if (!*part->name)
		part->name = part->fn;
	for (size_t i = 0; i < part->n_locks; i++) {
		symbolize_stack(c->z, c->p, &part->locks[i].created);
		objname_lock(c->z, c->a, c->p, &part->locks[i]);
	}
}

/* For a shell: unchanged when every character is harmless, else in single quotes. */
const char *resolve_word(struct arena *a, const char *word)
{
	if (*word &&
	    strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%") ==
		    strlen(word))
		return word;
	const char *out = "'";
	for (; *word; word++)
		out = *word == '\'' ? arena_printf(a, "%s'\\''", out) : arena_printf(a, "%s%c", out, *word);
	return arena_printf(a, "%s'", out);
}

/* GO_PROCS is part of it: with another number of processors another schedule is likely. So is the seed. */
const char *resolve_command(struct arena *a, const struct process *p)
{
	const char *procs = getenv("GO_PROCS"), *out = "";
	char cwd[4096];

	/* Test drivers start tests elsewhere, by relative names. */
	if (p->run && getcwd(cwd, sizeof cwd) && *p->cwd && strcmp(cwd, p->cwd) != 0)
		out = arena_printf(a, "cd %s && ", resolve_word(a, resolve_path(a, p->cwd)));
	if (procs && *procs)
		out = arena_printf(a, "%sGO_PROCS=%s ", out, resolve_word(a, procs));
	out = arena_printf(a, "%sgosan run", out);
	if (gosan_options.seed || gate_seed_of(p->run))
		out = arena_printf(a, "%s --seed=%u", out,
				   gosan_options.seed ? (unsigned)gosan_options.seed : gate_seed_of(p->run));
	out = arena_printf(a, "%s --", out);
	for (size_t i = 0; i < p->n_argv; i++)
		out = arena_printf(a, "%s %s", out, resolve_word(a, p->argv[i]));
	return p->n_argv ? out : arena_printf(a, "%s %s", out, resolve_word(a, p->program));
}

/* Objects after stacks, since their names come from frames; texts last, since they name the object. */
static void resolve_finding(struct context *c, struct finding *f)
{
	c->p = f->process;
	c->f = f;
	symbolize_stack(c->z, c->p, &f->object.created);
	for (size_t i = 0; i < f->n_parts; i++)
		resolve_part(c, &f->parts[i]);
	objname_object(c->z, c->a, f);
	f->title = expand(c, in_order(c, f->title));
	f->why = expand(c, f->why);
	f->help = expand(c, f->help);
	f->reproduce = resolve_command(c->a, f->process);
	for (size_t i = 0; i < f->n_steps; i++) {
		f->steps[i].text = expand(c, f->steps[i].text);
		f->steps[i].at = symbolize_pc(c->z, c->p, f->steps[i].pc);
	}
}

/* One symbolizer for all processes: they mostly run the same files. The names are copies in the arena
 * and outlive it. */
void resolve_report(struct report *r)
{
	struct context c = {.a = r->arena, .z = symbolize_new(r->arena)};

	for (size_t i = 0; i < r->n_findings; i++)
		resolve_finding(&c, r->findings[i]);
	c.f = NULL; /* dumps belong to no finding */
	for (size_t i = 0; i < r->n_processes; i++)
		for (size_t k = 0; k < r->processes[i]->n_dumps; k++) {
			c.p = r->processes[i];
			r->processes[i]->dumps[k].detail = expand(&c, r->processes[i]->dumps[k].detail);
			symbolize_stack(c.z, r->processes[i], &r->processes[i]->dumps[k].stack);
			symbolize_stack(c.z, r->processes[i], &r->processes[i]->dumps[k].created);
		}
	symbolize_free(c.z);
}
