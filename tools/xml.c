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

/* Results of the writer are not looked at: into memory it fails only when memory is exhausted, and then the document
 * is cut, which every reader of XML notices. */
void xml_open(struct xml *x, const char *name)
{
	xmlTextWriterStartElement(x->w, BAD_CAST name);
}

/* Attributes are written with double quotes; the writer escapes them, line ends and tabs, too. */
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

/* Also when there was no content: <td/> would be an opening tag to a reader of HTML. */
void xml_close(struct xml *x)
{
	xmlTextWriterFullEndElement(x->w);
}

/* <meta .../>: readers of HTML pass over the slash. */
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

/* For what has its own syntax (a doctype, a style sheet). Never for anything that a program said. */
void xml_raw(struct xml *x, const char *markup)
{
	xmlTextWriterWriteRaw(x->w, BAD_CAST markup);
}
