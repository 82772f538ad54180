//! Sources as programs write them, and secrets that are replaced.

use hookwright_signature::provider::{Refused, Source, SourceKind};

use super::sent::{self, BODY, NOW, Sent};

#[test]
fn every_kind_that_is_proven_can_be_written_in_code() {
    const SVIX: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let all = [
        Source::token("x-token", "t"),
        Source::hmac("x-signature", "s"),
        Source::basic_auth("ann", "p"),
        Source::standard_webhooks(SVIX),
        Source::adobe_sign("c"),
        Source::airwallex("s"),
        Source::beehiiv(SVIX),
        Source::brex(SVIX),
        Source::checkbook("s"),
        Source::clerk(SVIX),
        Source::docusign("s"),
        Source::easypost("s"),
        Source::github("s"),
        Source::guesty(SVIX),
        Source::hubspot("s"),
        Source::incident_io(SVIX),
        Source::lithic(SVIX),
        Source::meta("s", "v"),
        Source::nango("s"),
        Source::nash(SVIX),
        Source::open_ai(SVIX),
        Source::panda_doc("s"),
        Source::pleo(SVIX),
        Source::port_io("s"),
        Source::psi_fi(SVIX),
        Source::render(SVIX),
        Source::replicate(SVIX),
        Source::resend(SVIX),
        Source::rutter("s"),
        Source::safebase(SVIX),
        Source::sardine(SVIX),
        Source::segment("s"),
        Source::shopify("s"),
        Source::slack("s"),
        Source::stripe("s"),
        Source::stych(SVIX),
        Source::svix(SVIX),
        Source::tailscale("s"),
        Source::telnyx("k"),
        Source::veriff("s"),
        Source::zoom("s"),
    ];
    let written: Vec<&str> = all.iter().map(Source::kind).collect();
    let proven: Vec<&str> = sent::proven().map(SourceKind::as_str).collect();
    assert_eq!(written, proven);
    for source in all.iter().filter(|source| source.kind() != "telnyx") {
        let config = source.config().unwrap_or_else(|error| panic!("{source:?}: {error}"));
        assert!(Sent::signed(&config, BODY, NOW).verify(&config).is_ok(), "{source:?}");
    }
}

#[test]
fn what_is_wrong_with_a_source_is_told_when_its_configuration_is_made() {
    assert_eq!(Source::github("").config().unwrap_err().field, "secret");
    assert_eq!(Source::of("githup").config().unwrap_err().field, "type");
    assert_eq!(Source::of("vapi").config().unwrap_err().field, "type");
    assert_eq!(Source::github("s").field("token", "t").config().unwrap_err().field, "token");
    assert_eq!(Source::github("s").or(Source::github(" ")).config().unwrap_err().field, "secret");
    assert!(!format!("{:?}", Source::github("hunter2")).contains("hunter2"));
}

#[test]
fn while_a_secret_is_replaced_both_are_good_and_the_new_one_signs() {
    let (new, old) = (Source::github("new"), Source::github("old"));
    let both = new.clone().or(old.clone()).config().unwrap();
    for source in [&new, &old] {
        assert!(Sent::signed(&source.config().unwrap(), BODY, NOW).verify(&both).is_ok(), "{source:?}");
    }
    let signed = Sent::signed(&both, BODY, NOW);
    assert!(signed.verify(&new.config().unwrap()).is_ok());
    assert_eq!(signed.verify(&old.config().unwrap()), Err(Refused::Mismatch));
    let other = Sent::signed(&Source::github("other").config().unwrap(), BODY, NOW);
    assert_eq!(other.verify(&both), Err(Refused::Mismatch));
}
