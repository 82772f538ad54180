// Makes providers_node.json: requests signed or accepted by the providers' own JavaScript libraries.
//
//   npm install @octokit/webhooks-methods @shopify/shopify-api @hubspot/api-client @nangohq/node @zoom/rivet \
//     whatsapp@0.0.5-Alpha @segment/actions-core liquidjs @segment/action-destinations
//   node providers_node.cjs > providers_node.json      (copied to where they are installed)
//
// `signed_by` says who made the signature: the library, or this script where the provider's only verifies.
// Of the libraries that verify, each has accepted the request, and has refused it with another body.
// Segment's library is what Segment sends with, and only signs. Only the file named below is used of it, so
// that its package need not be installed with all it depends on: `npm pack` and unpacking it are enough.

const crypto = require("node:crypto");
const path = require("node:path");
const fs = require("node:fs");

const NOW = 1_700_000_000;
Date.now = () => NOW * 1000;
console.debug = () => {};

const BODIES = ['{"event":"meeting.started","payload":{"id":1}}', '{"event":"Zoë 🦊","type":"a.b","id":"e 2"}', "[]"];
const vectors = [];

// A file of a package, also one that it does not export.
function inside(name, file) {
  return module.paths.map((folder) => path.join(folder, name, file)).find((found) => fs.existsSync(found));
}

const version = (name) => JSON.parse(fs.readFileSync(inside(name, "package.json"))).version;

async function record(kind, library, signedBy, fields, headers, body, accept, more = {}) {
  if (accept && !(await accept(headers, body))) throw new Error(`${library} refuses the request`);
  if (accept && (await accept(headers, '{"event":"changed"}'))) throw new Error(`${library} takes another body`);
  vectors.push({
    kind,
    library: `${library} ${version(library)}`,
    signed_by: signedBy,
    fields,
    now: NOW,
    headers: Object.entries(headers).sort(),
    body,
    ...more,
  });
}

const hmac = (secret, text, encoding) => crypto.createHmac("sha256", secret).update(text).digest(encoding);

async function main() {
  const github = await import("@octokit/webhooks-methods");
  const { Signature } = require("@hubspot/api-client");
  const { Nango } = require("@nangohq/node");
  const { AwsLambdaReceiver } = require("@zoom/rivet/meetings");
  require("@shopify/shopify-api/adapters/node");
  const { shopifyApi, ApiVersion } = require("@shopify/shopify-api");
  const { generateXHub256Sig } = require(inside("whatsapp", "build/utils.js"));
  const segment = require("@segment/action-destinations/dist/destinations/webhook/index.js").default;

  for (const [number, body] of BODIES.entries()) {
    let secret = "It's a Secret to Everybody";
    await record(
      "github", "@octokit/webhooks-methods", "library", { secret },
      {
        "x-github-delivery": `delivery-${number}`,
        "x-github-event": "push",
        "x-hub-signature-256": await github.sign(secret, body),
      },
      body, (headers, body) => github.verify(secret, body, headers["x-hub-signature-256"]),
      { id: `delivery-${number}` },
    );

    const hubspot = "5d3f7c1e-client-secret";
    const url = `https://hooks.example.com/in/${number}?a=1`;
    const milliseconds = String(NOW * 1000);
    const signed = { clientSecret: hubspot, requestBody: body, url, timestamp: Number(milliseconds) };
    await record(
      "hubspot", "@hubspot/api-client", "library", { secret: hubspot },
      {
        "x-hubspot-request-timestamp": milliseconds,
        "x-hubspot-signature-v3": Signature.getSignature("POST", "v3", signed),
      },
      body,
      (headers, body) =>
        Signature.isValid({
          ...signed, requestBody: body, signature: headers["x-hubspot-signature-v3"], signatureVersion: "v3",
          method: "POST",
        }),
      { url },
    );

    secret = "0b1c2d3e-nango-signing-key";
    const nango = new Nango({ secretKey: "other", webhookSigningKey: secret });
    await record(
      "nango", "@nangohq/node", "script", { secret }, { "x-nango-hmac-sha256": hmac(secret, body, "hex") }, body,
      (headers, body) => nango.verifyIncomingWebhookRequest(body, headers),
    );

    const shopifySecret = "shpss_0123456789abcdef";
    const shopify = shopifyApi({
      apiKey: "key", apiSecretKey: shopifySecret, apiVersion: Object.values(ApiVersion).at(-1), scopes: [],
      hostName: "hooks.example.com", isEmbeddedApp: false, logger: { log: () => {} },
    });
    await record(
      "shopify", "@shopify/shopify-api", "script", { secret: shopifySecret },
      {
        "x-shopify-api-version": "2026-01",
        "x-shopify-hmac-sha256": hmac(shopifySecret, body, "base64"),
        "x-shopify-shop-domain": "momo.myshopify.com",
        "x-shopify-topic": "orders/create",
        "x-shopify-webhook-id": `webhook-${number}`,
      },
      body,
      async (headers, rawBody) =>
        (await shopify.webhooks.validate({ rawBody, rawRequest: { method: "POST", url: "/", headers } })).valid,
      { id: `webhook-${number}` },
    );

    secret = "zoom-secret-token";
    const zoom = new AwsLambdaReceiver({ webhooksSecretToken: secret });
    zoom.init({ eventEmitter: { emit: async () => {} } });
    const ask = (headers, body) => zoom.start()({ body, headers, isBase64Encoded: false }, {});
    // Its library wants an event, so the list stays out.
    const zoomHeaders = (body) => ({
      "x-zm-request-timestamp": String(NOW),
      "x-zm-signature": `v0=${hmac(secret, `v0:${NOW}:${body}`, "hex")}`,
    });
    if (body.startsWith("{")) {
      await record(
        "zoom", "@zoom/rivet", "script", { secret }, zoomHeaders(body), body,
        async (headers, body) => (await ask(headers, body)).statusCode === 200,
      );
    } else {
      const validation = '{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}';
      const headers = zoomHeaders(validation);
      const answer = await ask(headers, validation);
      await record(
        "zoom", "@zoom/rivet", "script", { secret }, headers, validation,
        async (headers, body) => (await ask(headers, body)).statusCode === 200,
        { answer: JSON.parse(answer.body) },
      );
    }

    secret = "meta-app-secret";
    await record(
      "meta", "whatsapp", "library", { secret, verifyToken: "verify" },
      { "x-hub-signature-256": `sha256=${generateXHub256Sig(body, secret)}` }, body,
    );

    const settings = { sharedSecret: "abc123" };
    const sent = segment.extendRequest({ settings, payload: { data: JSON.parse(body) } });
    await record(
      "segment", "@segment/action-destinations", "library", { secret: settings.sharedSecret },
      { "x-signature": sent.headers["X-Signature"] }, body,
    );
  }
  process.stdout.write(`${JSON.stringify({ vectors }, null, 1)}\n`);
}

main();
