//! The headers of an endpoint: set, patched, and hidden where they may be credentials.

use serde_json::{Value, json};

use super::rig::{Rig, wrong_place};

const PATH: &str = "/api/v1/app/ann/endpoint/e1/headers";

async fn rig() -> Rig {
    let rig = Rig::start().await;
    rig.application("ann").await;
    rig.client.put("/api/v1/app/ann/endpoint/e1", &json!({"url": "http://127.0.0.1:9/"})).await.expect(201);
    rig
}

async fn shown(rig: &Rig) -> Value {
    rig.client.get(PATH).await.expect(200).json()
}

#[tokio::test]
async fn credentials_are_named_and_not_shown() {
    let rig = rig().await;
    let body =
        json!({"headers": {"Authorization": "Bearer hunter2", "X-Api-Key": "hunter2", "X-Tenant": "t"}});
    rig.client.put(PATH, &body).await.expect(204);
    let expected = json!({"headers": {"X-Tenant": "t"}, "sensitive": ["Authorization", "X-Api-Key"]});
    assert_eq!(shown(&rig).await, expected);
}

#[tokio::test]
async fn a_patch_sets_deletes_and_leaves_the_rest() {
    let rig = rig().await;
    let body = json!({"headers": {"X-A": "1", "X-B": "2", "X-C": "3"}});
    rig.client.put(PATH, &body).await.expect(204);
    let patch = json!({"headers": {"x-a": "new", "X-B": null, "X-D": "4"}, "deleteHeaders": ["x-c"]});
    rig.client.patch(PATH, &patch).await.expect(204);
    assert_eq!(shown(&rig).await["headers"], json!({"x-a": "new", "X-D": "4"}));
    rig.client.put(PATH, &json!({"headers": {}})).await.expect(204);
    assert_eq!(shown(&rig).await, json!({"headers": {}, "sensitive": []}));
}

#[tokio::test]
async fn headers_that_are_ours_or_break_framing_are_refused() {
    let rig = rig().await;
    for name in ["svix-id", "Webhook-Signature", "Content-Length", "User-Agent", "bad name", "Host"] {
        for method in ["put", "patch"] {
            let body = json!({"headers": {name: "x"}});
            let answer = if method == "put" {
                rig.client.put(PATH, &body).await
            } else {
                rig.client.patch(PATH, &body).await
            };
            assert_eq!(wrong_place(&answer.expect(422)), "body.headers", "{method} {name}");
        }
    }
    let smuggled = json!({"headers": {"X-A": "1\r\nX-B: 2"}});
    assert_eq!(wrong_place(&rig.client.put(PATH, &smuggled).await.expect(422)), "body.headers");
    let twice = json!({"headers": {"X-A": "1", "x-a": "2"}});
    assert_eq!(wrong_place(&rig.client.put(PATH, &twice).await.expect(422)), "body.headers");
    assert_eq!(shown(&rig).await["headers"], json!({}));
}
