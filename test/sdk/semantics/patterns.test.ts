import { js, specify } from "./specify.ts";

specify("patterns", {
  "named groups": js`
    const { groups, index, input } = /(?<year>\d{4})-(?<month>\d\d)(?<rest>x)?/.exec("on 2024-05");
    return [{ ...groups }, Object.keys(groups), Object.getPrototypeOf(groups), index, input,
      /(?<a>.)\k<a>/.test("xx"), "a-b".replace(/(?<l>a)-(?<r>b)/, "$<r>-$<l>")];
  `,
  "a name may stand in each of several alternatives": js`
    const day = /(?<y>\d{4})-(?<m>\d\d)|(?<m>\d\d)\/(?<y>\d{4})/;
    return [{ ...day.exec("2024-05").groups }, { ...day.exec("05/2024").groups },
      thrown(() => new RegExp("(?<a>.)(?<a>.)"))];
  `,
  "lookahead keeps groups when it holds and drops them when it is negative": js`
    return ["foobar".match(/foo(?=(bar))/).slice(), "foobaz".match(/foo(?!(bar))/).slice(),
      "abaab".match(/(?=(a+))a*b\1/).slice(), /(?!)/.test(""),
      /(.*?)a(?!(a+)b\2c)\2(.*)/.exec("baaabaac").slice()];
  `,
  "lookbehind matches backwards": js`
    return ["price: $42".match(/(?<=\$)\d+/)[0], "x42".match(/(?<!\$)\d+/)[0],
      "abc".match(/(?<=(\w)(\w))c/).slice(), "1053".match(/(?<=(\d+)(\d+))$/).slice(),
      "abab".match(/(?<=\1(ab))$/)?.slice() ?? null, /(?<=^.*)b/.test("ab")];
  `,
  "lastIndex moves with g and y only": js`
    const global = /a/g, sticky = /a/y, plain = /a/;
    const steps = [];
    for (const pattern of [global, sticky, plain]) {
      pattern.lastIndex = 1;
      steps.push([pattern.test("aab"), pattern.lastIndex, pattern.test("aab"), pattern.lastIndex,
        pattern.test("aab"), pattern.lastIndex]);
    }
    return steps;
  `,
  "sticky matches at lastIndex or not at all": js`
    const token = /\s*(\w+|[+*])\s*/y;
    const tokens = [];
    for (let m; (m = token.exec("ab + c1 * ?")) !== null; ) tokens.push(m[1]);
    return [tokens, token.lastIndex, "baa".replace(/a/y, "x"), "aab".split(/a/y), "abc".search(/b/y),
      "aab".match(/a/gy)];
  `,
  "matchAll goes by a copy, and wants g": js`
    const pattern = /(?<l>[a-c])(\d)?/g;
    pattern.lastIndex = 1;
    const all = Array.from("a1b2c".matchAll(pattern), (m) => [m[0], m.index, m.groups.l, m[2]]);
    return [all, pattern.lastIndex, thrown(() => "a".matchAll(/a/)), [..."aXa".matchAll("a")].length,
      Array.from("ab".matchAll(/(?:)/g), (m) => m.index)];
  `,
  "empty matches move on, by characters with u": js`
    return ["😀a".replace(/(?:)/g, "-").length, "😀a".replace(/(?:)/gu, "-"), "abc".match(/x*/g),
      "😀".match(/./g).length, "😀".match(/./gu).length, "aab".replace(/a*?/g, "_"), "aab".replace(/a*/g, "_")];
  `,
  "flags, source and toString": js`
    return [/a/dgimsuy.flags, new RegExp("/", "g").source, String(new RegExp("\n")), new RegExp("").source,
      String(new RegExp("[/]\\/")), new RegExp(/x/gi, "m").flags, RegExp(/a/) instanceof RegExp,
      thrown(() => new RegExp("a", "gg")), thrown(() => new RegExp("a", "uv")), RegExp.prototype.source,
      RegExp.prototype.flags];
  `,
  "s lets a dot match line ends, m lets anchors": js`
    return [/a.b/.test("a\nb"), /a.b/s.test("a\nb"), /./.test("\u2028"), "a\nb\r\nc\u2028d".match(/^./gm),
      "a\nb".match(/$/gm).length, /^b/.test("a\nb"), "a\nb".replace(/^/gm, "> ")];
  `,
  "i folds case by units, with u by Unicode": js`
    return [/ſ/i.test("s"), /ſ/iu.test("s"), /K/i.test("k"), /\u212a/iu.test("k"), /[^x]/i.test("X"),
      /ß/iu.test("ẞ"), /É/i.test("é"), /[а-я]/i.test("Д"), /\u{10400}/iu.test("\u{10428}"),
      /\w/iu.test("ſ"), /\W/iu.test("S"), /[^\W]/iu.test("ſ"), /Σ/iu.test("ς"), /σ/i.test("ς")];
  `,
  "with u a character is one": js`
    return [/^.$/.test("😀"), /^.$/u.test("😀"), /^[😀]$/u.test("😀"), /\u{1F600}/u.test("😀"),
      /\ud83d/.test("😀"), /\ud83d/u.test("😀"), /^[^x]$/u.test("😀"),
      "a😀b".match(/[\u{1F600}-\u{1F64F}]/u).index, thrown(() => new RegExp("\\-", "u")),
      thrown(() => new RegExp("{", "u")), /^\S$/u.test("😀")];
  `,
  "properties of Unicode": js`
    const has = (pattern, text) => [...text].filter((one) => pattern.test(one)).join("");
    const text = "aÄжλ9٣_ 漢か!€😀";
    return [/\p{L}/u, /\p{Lu}/u, /\p{Script=Greek}/u, /\p{sc=Cyrillic}/u, /\p{Nd}/u, /\P{L}/u,
      /\p{Emoji_Presentation}/u, /\p{Alphabetic}/u, /\p{ASCII}/u, /\p{Script=Han}|\p{scx=Hira}/u, /\p{Sc}/u,
      /\p{White_Space}/u].map((p) => has(p, text));
  `,
  "a property that does not exist is a syntax error": js`
    return ["\\p{Nothing}", "\\p{Script=Klingon}", "\\p{general_category=L}", "\\p", "\\p{}",
      "[\\p{L}-z]"].map((source) => [thrown(() => new RegExp(source, "u")),
      thrown(() => new RegExp(source))]);
  `,
  "v subtracts, intersects and nests sets": js`
    return ["aäb1".match(/[\p{L}--[a-z]]/v)[0], "xéλ".match(/[\p{L}&&\p{Script=Greek}]/v)[0],
      "0a5".match(/[[0-9]--[0-4]]/v)[0], "-b".match(/[[a-c][x-z]]/v)[0], /^[^\p{L}]$/v.test("1"),
      /^[\q{abc|d}]$/v.test("abc"), /^[\q{abc|d}]$/v.test("d"), thrown(() => new RegExp("[a--b&&c]", "v")),
      thrown(() => new RegExp("[(]", "v"))];
  `,
  "v knows properties of whole sequences": js`
    return [/^\p{RGI_Emoji}$/v.test("👨‍👩‍👧"), /^\p{Emoji_Keycap_Sequence}$/v.test("1️⃣"),
      "🇫🇷x".match(/\p{RGI_Emoji_Flag_Sequence}/v)[0].length,
      thrown(() => new RegExp("\\P{RGI_Emoji}", "v")), thrown(() => new RegExp("\\p{RGI_Emoji}", "u"))];
  `,
  "flags may change inside of a group": js`
    return [/a(?i:b)c/.test("aBc"), /a(?i:b)c/.test("aBC"), /(?-i:a)b/i.test("aB"), /(?-i:a)b/i.test("AB"),
      /(?s:.)./.test("\na"), /(?m:^)b/.test("a\nb"), thrown(() => new RegExp("(?i-i:a)"))];
  `,
  "d gives the places of all groups": js`
    const { indices } = /(?<a>b+)(c)?(?<d>d)/d.exec("abbd");
    return [indices.slice(), { ...indices.groups }, "x".match(/x/).indices];
  `,
  "greedy and lazy quantifiers": js`
    return ["aaaa".match(/a{2,3}/)[0], "aaaa".match(/a{2,3}?/)[0], "<a><b>".match(/<.+?>/)[0],
      "<a><b>".match(/<.+>/)[0], "aaa".match(/a{2}/)[0], "ab".match(/a??b/)[0], "a{2".match(/a{2/)[0],
      "aaa".match(/a{0}/)[0], thrown(() => new RegExp("a{2,1}")), thrown(() => new RegExp("a**")),
      "abcabc".match(/(?:abc){2}/)[0], /^a{0,}$/.test("")];
  `,
  "groups in a repetition begin anew each time": js`
    return [/(z)((a+)?(b+)?(c))*/.exec("zaacbbbcac").slice(), /(?:(a)|b)*/.exec("ab").slice(),
      /(a*)*/.exec("b").slice(), /(?:a|ab)(?:c|bcd)(?:d*)/.exec("abcd").slice(),
      /(a*)b\1+/.exec("baaaac").slice()];
  `,
  "a reference to a group that took no part matches nothing": js`
    return [/\1(a)/.exec("aa").slice(), /(?:(a)|b)\1/.exec("b").slice(), /(a)|\1b/.exec("b").slice(),
      /\k<x>(?<x>a)/.exec("a").slice(), /\8/.test("8"), /\0/.test("\0"), /\101/.test("A")];
  `,
  "classes and their escapes": js`
    return ["a-b".match(/[a\-b]+/)[0], /[\b]/.test("\b"), /[^]/.test("\n"), /[]/.test("a"),
      /[\]]/.test("]"), /[\d-x]/.test("-"), /\cA/.test("\x01"), /[\c]/.test("\\"), /\w+/.exec("añ")[0],
      /\bé/.test("é"), /\s/.test("\ufeff"), /\S/.test("\u180e"), /[a-z&&b]/.test("&")];
  `,
  "what old patterns may be, without u": js`
    return [/{/.test("{"), /a{,2}/.test("a{,2}"), /]/.test("]"), /\a/.test("a"), /(?=a)*/.test(""),
      /\k/.test("k"), /\u{61}/.test("u".repeat(61)), /\x1/.test("x1"), /[\w-a]/.test("-")];
  `,
  boundaries: js`
    return ["a b_c-d".split(/\b/), "ab".replace(/\B/g, "."), /\b/.test(""), "été".match(/\b\w/g)];
  `,
  "Symbol.replace and its kin are asked": js`
    const upper = { flags: "g", [Symbol.replace]: (text, by) => text.toUpperCase() + by,
      [Symbol.split]: (text, limit) => [text, limit], [Symbol.search]: () => 7, [Symbol.match]: () => ["m"],
      [Symbol.matchAll]: () => "all" };
    return ["a".replace(upper, 1), "a".split(upper, 2), "a".search(upper), "a".match(upper),
      "a".matchAll(upper)];
  `,
  "a class may extend RegExp and change exec": js`
    class Doubled extends RegExp { exec(text) { const m = super.exec(text); if (m) m[0] += m[0]; return m; } }
    return ["abc".replace(new Doubled("b"), "[$&]"), new Doubled("b").test("b"),
      new Doubled("a", "g")[Symbol.match]("aXa"), new Doubled("x") instanceof Doubled];
  `,
  "replace counts lastIndex from the start and leaves it at 0": js`
    const pattern = /a/g;
    pattern.lastIndex = 2;
    const replaced = "aaa".replace(pattern, (m, at) => at);
    return [replaced, pattern.lastIndex, "aaa".search(pattern),
      Object.getOwnPropertyDescriptor(pattern, "lastIndex")];
  `,
  "long alternations and long texts": js`
    const words = Array.from({ length: 60 }, (_, i) => "w" + i + "x");
    const pattern = new RegExp("^(?:" + words.join("|") + ")+$");
    return [pattern.test(words.join("")), pattern.test(words.join("") + "!"),
      /^(?:a|b)*c$/.test("ab".repeat(5000) + "c"), "x".repeat(5000).replace(/x/g, "y").indexOf("x"),
      ("a".repeat(20000) + "b").match(/a*b/)[0].length];
  `,
  "RegExp.escape, where the engine has it, agrees": js`
    return typeof RegExp.escape === "function" ? [RegExp.escape("a.b*c-1 /"),
      RegExp.escape("0\n,\ud800_")] : "absent";
  `,
});
