/* SPDX-License-Identifier: Apache-2.0
 * xml.c: see xml.h. The document is built in memory: a report is small, and a file is written in one go. */
#include "xml.h"

#include "words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

/* The buffer belongs to us, also when the writer could not be made. */
int xml_begin(struct xml *x, struct arena *a)
{
	*x = (struct xml){.a = a, .buffer = xmlBufferCreate()};
	x->w = x->buffer ? xmlNewTextWriterMemory(x->buffer, 0) : NULL;
	if (x->w)
		return 0;
	if (x->buffer)
		xmlBufferFree(x->buffer);
	return -ENOMEM;
}

/* The writer flushes into the buffer when it is freed. */
void xml_finish(struct xml *x, FILE *out)
{
	xmlFreeTextWriter(x->w);
	fwrite(xmlBufferContent(x->buffer), 1, (size_t)xmlBufferLength(x->buffer), out);
	xmlBufferFree(x->buffer);
}

void xml_open(struct xml *x, const char *name)
{
	xmlTextWriterStartElement(x->w, BAD_CAST name);
}

void xml_attr(struct xml *x, const char *name, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) >= 0) {
		xmlTextWriterWriteAttribute(x->w, BAD_CAST name, BAD_CAST words_clean(x->a, text));
		free(text);
	}
	va_end(args);
}

void xml_text(struct xml *x, const char *text)
{
	xmlTextWriterWriteString(x->w, BAD_CAST words_clean(x->a, text));
}

void xml_close(struct xml *x)
{
	xmlTextWriterFullEndElement(x->w);
}

void xml_void(struct xml *x)
{
	xmlTextWriterEndElement(x->w);
}

void xml_element(struct xml *x, const char *name, const char *class, const char *text)
{
	xml_open(x, name);
	if (class)
		xml_attr(x, "class", "%s", class);
	xml_text(x, text);
	xml_close(x);
}

void xml_raw(struct xml *x, const char *markup)
{
	xmlTextWriterWriteRaw(x->w, BAD_CAST markup);
}
