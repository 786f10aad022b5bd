import { js, specify } from "./specify.ts";

specify("texts", {
  "length counts units, iteration counts characters": js`
    const text = "a😀é👨‍👩‍👧";
    return [text.length, [...text].length, text[1], text.at(-1), text.charAt(1), text.charCodeAt(1),
      text.codePointAt(1), text.codePointAt(2), text.codePointAt(99), text.charCodeAt(99)];
  `,
  escapes: js`
    return ["\x41\u0042\u{1F600}\0\b\v\f\\\'", "a\
b", "\u2028\u2029".length];
  `,
  "at, slice, substring and substr treat their ends differently": js`
    const s = "abcdef";
    return [s.at(-2), s.at(9), s.slice(-3, -1), s.slice(4, 2), s.substring(4, 2), s.substring(-3, 2),
      s.substring(NaN, 3), s.substr(-3, 2), s.substr(2), s.slice(2, undefined), s.slice(null, 2)];
  `,
  "normalize composes and decomposes": js`
    const forms = ["NFC", "NFD", "NFKC", "NFKD"];
    return [..."é|é|ﬁ|Å|각|ẛ̣|①".split("|")].map((text) => forms.map((form) => text.normalize(form)))
      .concat([[thrown(() => "a".normalize("NFX")),
      "é".normalize() === "é"]]);
  `,
  "replaceAll takes texts, global patterns and functions": js`
    return ["a.b.c".replaceAll(".", "-"), "aaa".replaceAll("aa", "b"), "abc".replaceAll("", "_"),
      thrown(() => "a".replaceAll(/a/, "")), "aXbX".replaceAll(/x/gi, (m, at, all) => m + at + all.length),
      "a1b2".replaceAll(/(?<l>[a-z])(\d)/g, "$2$<l>$$"), "x".replaceAll("x", "$&$&"),
        "x".replaceAll("x", () => "$&")];
  `,
  "replace knows its dollar patterns": js`
    return ["abc".replace("b", "[$\`|$&|$']"), "abc".replace(/(b)(z)?/, "<$1$2$3$01$10>"),
      "abc".replace(/(?<x>b)/, "$<x>$<y>!"), "abc".replace("b", "$<x>"), "aaa".replace("a", "b"),
      "abc".replace(/b/, (...all) => JSON.stringify(all)),
      "abc".replace(/(?<n>b)/, (...all) => JSON.stringify(all.at(-1))), "$".replace("$", "$$$")];
  `,
  "localeCompare is total and consistent": js`
    const words = ["b", "a", "c", "aa", "ab"];
    return [words.sort((x, y) => x.localeCompare(y)), "a".localeCompare("a"),
      Math.sign("a".localeCompare("b")), Math.sign("b".localeCompare("a")), "é".localeCompare("é"),
      "".localeCompare("a") < 0];
  `,
  "padStart and padEnd": js`
    return ["5".padStart(3, "0"), "5".padStart(4, "ab"), "abc".padStart(2), "x".padEnd(5, "12"),
      "x".padEnd(3), "x".padEnd(3, ""), "x".padStart(Infinity, ""), "x".padStart(3, undefined),
      thrown(() => "x".padEnd(2 ** 40))];
  `,
  "lone surrogates are told and mended": js`
    return ["a\ud800".isWellFormed(), "😀".isWellFormed(), "a\ud800b\udc00".toWellFormed(),
      "\udc00\ud800".toWellFormed(), encodeURIComponent("😀"), thrown(() => encodeURIComponent("\ud800"))];
  `,
  "URI coding": js`
    return [encodeURI("http://a/ü?x=1&y=[é]#z%"), encodeURIComponent("a/b?c=d&é 😀'()*!~"),
      decodeURIComponent("%F0%9F%98%80%20%2f"), decodeURI("%2F%20%C3%A9"),
      thrown(() => decodeURIComponent("%")), thrown(() => decodeURIComponent("%C3")),
      thrown(() => decodeURIComponent("%ED%A0%80")), escape("ü😀 +"), unescape("%u0107%E4%zz")];
  `,
  "raw templates": js`
    const raw = (strings, ...values) => [strings.raw, values];
    return [raw\`a\n\${1}\u{41}\${2}\`, String.raw\`\t\${1}\q\`.length, String.raw({ raw: "abc" }, 1, 2, 3),
      ((s) => s[0])\`\unicode\`, ((s) => s.raw[0])\`\unicode\`];
  `,
  "a template's object is one per place": js`
    const tag = (strings) => strings;
    const make = () => tag\`x\`;
    return [make() === make(), tag\`x\` === tag\`x\`];
  `,
  "templates convert as texts do": js`
    const value = { toString: () => "t", valueOf: () => 1 };
    return [\`\${value}\`, value + "", \`\${[1, [2, 3]]}\`, \`\${null}\${undefined}\`,
      thrown(() => \`\${Symbol()}\`), \`a\${\`b\${1 + 1}\`}\`];
  `,
  split: js`
    return ["a,b,,c".split(","), "abc".split(""), "a,b,c".split(",", 2), "".split(","), "".split(""),
      "abc".split(), "😀".split(""), "a1b22c".split(/\d+/), "a1b2".split(/(\d)/), "abc".split(/(?:)/),
      "A<B>bold</B>and".split(/<(\/)?([^<>]+)>/), "ab".split(/(?:)/, -1), "aXbxc".split(/x/i, 2),
      "".split(/a/), "".split(/(?:)/)];
  `,
  "trim takes every white space of the standard": js`
    const spaces = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u200a\u2028\u2029\u202f\u205f\u3000\ufeff";
    return [(spaces + "a" + spaces).trim(), (spaces + "a").trimStart(), ("a" + spaces).trimEnd(),
      "\u200ba\u180e".trim().length];
  `,
  "case changes of more than one character": js`
    return ["straße".toUpperCase(), "ŉ".toUpperCase(), "İ".toLowerCase().length, "ΑΣ".toLowerCase(),
      "ΑΣΑ".toLowerCase(), "Σ".toLowerCase(), "ﬃ".toUpperCase(), "ǆ".toUpperCase(), "𐐀".toLowerCase(),
      "I".toLocaleLowerCase(), "ß".toLocaleUpperCase()];
  `,
  "searches convert, and refuse patterns where the standard says so": js`
    return ["abc".includes("b", 2), "abc".startsWith("b", 1), "abc".endsWith("b", 2),
      thrown(() => "a".includes(/a/)), thrown(() => "a".startsWith(/a/)), "abcabc".indexOf("c", 3),
      "abcabc".lastIndexOf("a", 2), "abc".indexOf("", 9), "abc".lastIndexOf(""), "aundefined".includes(),
      "abc".search(/c/), "abc".match(/z/), "abc".indexOf("a", -5), "abc".lastIndexOf("c", NaN)];
  `,
  "repeat and concat": js`
    return ["ab".repeat(3), "ab".repeat(0), thrown(() => "a".repeat(-1)),
      thrown(() => "a".repeat(Infinity)), "".repeat(1e6), "a".repeat(2.9), "a".concat(1, null, [2]),
      "ab".repeat("2")];
  `,
  "comparison is by units, not by characters": js`
    return ["\uff5e" < "😀", "a" < "B", "10" < "9", "10" < 9, "a" < "aa", ["😀", "\uff5e"].sort()[0] === "😀",
      "Z" < "a", "" < "a"];
  `,
  "fromCharCode and fromCodePoint": js`
    return [String.fromCharCode(0x1f600, 97, -1).length, String.fromCharCode(65.9, "66"),
      String.fromCodePoint(0x1f600, 97), thrown(() => String.fromCodePoint(0x110000)),
      thrown(() => String.fromCodePoint(1.5)), thrown(() => String.fromCodePoint(-1)),
      String.fromCodePoint(0xd83d, 0xde00) === "😀"];
  `,
  "the members of a text cannot be written": js`
    const text = new String("abc");
    return [thrown(() => { "abc"[0] = "x"; }), thrown(() => { "abc".length = 1; }),
      thrown(() => { "abc".x = 1; }), Object.keys(text), "1" in text, text.length, typeof text,
      Object.getOwnPropertyNames("ab"), thrown(() => { text[0] = "x"; })];
  `,
  "texts grow by joining without a change of what is shared": js`
    let text = "";
    const kept = [];
    for (let i = 0; i < 300; i++) {
      text += String.fromCharCode(97 + (i % 26));
      if (i % 100 === 0) kept.push(text);
    }
    const wide = text + "é😀";
    return [text.length, kept.map((one) => one.length), wide.slice(-3), text.slice(-3), wide.indexOf("😀"),
      (text + text).lastIndexOf("abc")];
  `,
  "anchor and the other functions of HTML": js`
    return ["a".anchor('"x"'), "b".link("u"), "c".bold()];
  `,
});
