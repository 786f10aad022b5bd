#!/usr/bin/env node
// Plain JavaScript that any Node can read: an old one gets a sentence instead of a stack trace.
import module from "node:module";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 24 || (major === 24 && minor >= 12)) {
  // Half of a short command is compiling this program.
  module.enableCompileCache?.();
  const { main } = await import("./program.ts");
  await main(process.argv);
} else {
  process.stderr.write(
    `sandgate needs Node 24.12 or newer, this is ${process.version}. Inside the project \`npx sandgate\` and \`npm run sandgate --\` bring their own.\n`,
  );
  process.exitCode = 1;
}
