import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { child, childText, element, leaf, parseXml, XmlError, xmlDocument } from './xml.ts';

describe('XML', () => {
  it('reads back every text that it wrote', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (one, two) => {
        const document = xmlDocument(element('Root', leaf('One', one), leaf('Two', two)));
        const root = parseXml(document);
        expect([childText(root, 'One'), childText(root, 'Two')]).toEqual([one, two]);
      }),
    );
  });

  it('reads declarations, comments, attributes, CDATA, entities and empty elements', () => {
    const root = parseXml(
      '<?xml version="1.0"?><!-- c --><Root xmlns="u"><A/>\n <B>x&#65;&#x42;&apos;<![CDATA[<&]]></B></Root>',
    );
    expect(root.name).toBe('Root');
    expect(child(root, 'A')).toEqual({ name: 'A', children: [], text: '' });
    expect(childText(root, 'B')).toBe("xAB'<&");
  });

  it.each(['', 'text', '<A>', '<A></B>', '</A>', '<A/><B/>', '<A><B></A></B>', '<A', '< A/>'])(
    'refuses %j',
    (text) => {
      expect(() => parseXml(text)).toThrow(XmlError);
    },
  );
});
