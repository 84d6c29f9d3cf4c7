/* SPDX-License-Identifier: Apache-2.0
 *
 * xml.h: XML, and HTML in its XML spelling, by libxml2's xmlwriter: what is written is well-formed and
 * escaped. Texts are cleaned first (words_clean): names come from foreign programs.
 *
 * HTML has elements that must not be closed (meta) and elements that must be (td): xml_close writes the
 * long form always, xml_void the short one.
 */
#ifndef XML_H
#define XML_H

#include "arena.h"

#include <libxml/xmlwriter.h>
#include <stdio.h>

struct xml {
	struct arena *a;
	xmlBufferPtr buffer;
	xmlTextWriterPtr w;
};

/* 0, or -ENOMEM. */
int xml_begin(struct xml *x, struct arena *a);
/* Everything to out; frees. */
void xml_finish(struct xml *x, FILE *out);

void xml_open(struct xml *x, const char *name);
/* A printf text; before any content of the element. */
void xml_attr(struct xml *x, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void xml_text(struct xml *x, const char *text);
void xml_close(struct xml *x);
void xml_void(struct xml *x);
/* <name>text</name>; with a class when class is not NULL. */
void xml_element(struct xml *x, const char *name, const char *class, const char *text);
/* As it is. */
void xml_raw(struct xml *x, const char *markup);

#endif
