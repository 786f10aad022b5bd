import { js, specify } from "./specify.ts";

// In a plugin local time is UTC.
process.env["TZ"] = "UTC";

specify("dates", {
  "ISO texts parse: dates as UTC, times without a zone as local": js`
    return ["2024-02-29", "2024-02", "2024", "2024-02-29T12:34", "2024-02-29T12:34:56.789Z",
      "2024-02-29T12:34:56+05:30", "2024-02-29T24:00:00Z", "2024-02-29T12:34:56.1Z",
      "2024-02-29T12:34:56.123456789Z", "+275760-09-13T00:00:00Z", "-000001-01-01T00:00:00Z",
      "0000-01-01T00:00:00Z"].map((text) => Date.parse(text));
  `,
  "what is no date is NaN": js`
    return ["", "x", "2024-13-01", "2024-02-32", "2024-02-29T25:00:00Z", "2024-02-29T12:60Z",
      "2024-1-1T00:00:00Z", "-000000-01-01T00:00:00Z", "2024-02-29T12:34:56+25:00",
      "+275760-09-13T00:00:00.001Z", "2024-02-29T24:00:01Z"].map((text) => Date.parse(text));
  `,
  "what toString and toUTCString print is parsed again": js`
    return [0, -1000, 86399000, 951782400000,
      253402300799000].map((time) => { const date = new Date(time);
      return [Date.parse(date.toString()), Date.parse(date.toUTCString()), Date.parse(date.toISOString())];
      });
  `,
  prints: js`
    const date = new Date(Date.UTC(2024, 1, 29, 4, 5, 6, 7));
    // The name of the zone in brackets is left to the engine.
    return [date.toISOString(), date.toJSON(), date.toUTCString(), date.toString().slice(0, 33),
      date.toDateString(), date.toTimeString().slice(0, 17), String(new Date(NaN)), new Date(NaN).toJSON(), date.toGMTString()];
  `,
  "prints of years out of the ordinary": js`
    return [new Date(-62198755200000), new Date(-62167219200001), new Date(-1e14),
      new Date(253402300800000), new Date(8.64e15),
      new Date(-8.64e15)].map((date) => [date.toISOString(), date.toUTCString(), date.toDateString()]);
  `,
  "the constructor by count of arguments": js`
    return [new Date(2024, 0), new Date(2024, 0, 31, 25, 61, 61, 1001), new Date(99, 0), new Date(100, 0),
      new Date(-1, 0), new Date(2024, 12), new Date(2024, -1), new Date(2024, 1, 0),
      new Date(2024, undefined), new Date(5), new Date(null), new Date(undefined),
      new Date(new Date(7)), new Date(true), new Date(1.9), new Date(-1.9)].map((date) => date.getTime());
  `,
  "Date.UTC": js`
    return [Date.UTC(2024), Date.UTC(2024, 1, 30), Date.UTC(70, 0), Date.UTC(),
      Date.UTC(2024, 0, 1, 0, 0, 0, -1), Date.UTC(275760, 8, 13, 0, 0, 0, 1), Date.UTC(0),
      Date.UTC(2024.9, 1.9), Date.UTC(NaN, 1), Date.UTC.length];
  `,
  "the last and the first moment": js`
    return [new Date(8.64e15).getTime(), new Date(8.64e15 + 1).getTime(), new Date(-8.64e15 - 1).getTime(),
      Object.is(new Date(-0).getTime(), 0), new Date(8.64e15).getUTCFullYear(),
      new Date(-8.64e15).getUTCDay(), thrown(() => new Date(8.64e15 + 1).toISOString())];
  `,
  "setters carry over": js`
    const set = (run) => { const date = new Date(Date.UTC(2024, 0, 31)); run(date);
      return date.toISOString(); };
    return [set((d) => d.setUTCMonth(1)), set((d) => d.setUTCDate(0)), set((d) => d.setUTCDate(-31)),
      set((d) => d.setUTCHours(48, 60)), set((d) => d.setUTCFullYear(2023, 1, 29)),
      set((d) => d.setUTCMilliseconds(86400000)), set((d) => d.setUTCMinutes(-1)),
      set((d) => d.setUTCSeconds(61, 1001)), set((d) => d.setTime(0)), set((d) => d.setYear(99))];
  `,
  "setters answer the time, and NaN stays but for setFullYear": js`
    const date = new Date(NaN);
    return [date.setUTCMonth(1), date.getTime(), date.setUTCFullYear(2024), date.toISOString(),
      new Date(NaN).setUTCHours(1), new Date(NaN).getUTCDay(), date.setTime(5.5), date.setUTCDate(),
      new Date(0).setUTCMonth()];
  `,
  "local time is UTC": js`
    const date = new Date(2024, 6, 1, 12);
    return [date.getTimezoneOffset(), date.toISOString(), date.getHours(), date.getDay(),
      new Date("2024-07-01T12:00").getTime() === date.getTime(), date.setHours(0),
      new Date(2024, 0, 1).getTimezoneOffset()];
  `,
  getters: js`
    const date = new Date(Date.UTC(2023, 11, 31, 23, 59, 58, 999));
    return [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCDay(),
      date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), date.getUTCMilliseconds(),
      date.getYear(), date.valueOf(), new Date(-1).getUTCMilliseconds(), new Date(-1).getUTCFullYear()];
  `,
  "every day of four centuries": js`
    let hash = 0;
    for (let day = -25567; day < 120530; day += 7) {
      const date = new Date(day * 86400000);
      hash = (hash * 31 + date.getUTCFullYear() * 372 + date.getUTCMonth() * 31
        + date.getUTCDate() + date.getUTCDay()) | 0;
      if (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(),
        date.getUTCDate()) !== day * 86400000) return day;
    }
    return hash;
  `,
  "a date becomes a text where one is wanted, else a number": js`
    const date = new Date(0);
    return [date + 1 === String(date) + "1", date - 1, +date, \`\${date}\` === date.toString(),
      date == date.toString(), date < new Date(1), date[Symbol.toPrimitive]("number"),
      typeof date[Symbol.toPrimitive]("default"), thrown(() => date[Symbol.toPrimitive]("x")),
      JSON.stringify({ date })];
  `,
  "Date without new is a text, its methods want a date": js`
    return [typeof Date(), thrown(() => Date.prototype.getTime.call({})),
      Object.prototype.toString.call(new Date()), thrown(() => Date.prototype.toJSON.call({})),
      Date.prototype.toJSON.call({ toISOString: () => "made" }), Date.length, typeof Date.now()];
  `,
  "looser texts": js`
    return ["Jan 1 2024", "1 January 2024", "Mon, 01 Jan 2024 00:00:00 GMT", "Jan 1, 2024 10:00",
      "Thu Jan 01 1970 00:00:00 GMT+0100", "2024-01-01 10:00", "Jan 1 2024 10:00 PM",
      "2024/01/05"].map((text) => Date.parse(text));
  `,
  subclass: js`
    class Day extends Date { get iso() { return this.toISOString().slice(0, 10); } }
    return [new Day(0).iso, new Day(0) instanceof Date, new Day(Date.UTC(2024, 1, 29)).iso];
  `,
});
