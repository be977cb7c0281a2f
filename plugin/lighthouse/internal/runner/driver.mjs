// Runs one audit in a browser that is running already. The request comes as JSON on standard input: module (path of Lighthouse's entry), port (of the browser's protocol),
// url, config. What comes out is one JSON object on standard output: result and milliseconds, or error.
let text = "";
for await (const part of process.stdin.setEncoding("utf8")) text += part;
const { module, port, url, config } = JSON.parse(text);
// Lighthouse and its dependencies write progress to the console; standard output is for the answer alone.
console.log = console.info = console.warn = console.debug = console.error;
let answer;
try {
  const { default: lighthouse } = await import(module);
  const begun = performance.now();
  const run = await lighthouse(url, { port, output: "json", logLevel: "error" }, config);
  const milliseconds = performance.now() - begun;
  if (!run?.lhr) throw new Error("Lighthouse gave no report");
  answer = { result: run.lhr, milliseconds };
} catch (cause) {
  answer = { error: cause?.friendlyMessage || cause?.message || String(cause), code: cause?.code };
}
process.stdout.write(JSON.stringify(answer), () => process.exit(0));
