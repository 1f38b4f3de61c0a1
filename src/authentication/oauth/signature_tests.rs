//! Known answers: keys and signatures of `MESSAGE` were made with another implementation, pyca/cryptography 48 on
//! OpenSSL. The private keys were thrown away.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use ring::signature::KeyPair as _;
use serde_json::json;

use super::*;

const MESSAGE: &[u8] = b"header.claims";

const RSA_N: &str = "6g4eVorfeb72wpW_m0FmR7S_xXErU1UnfvNU-Q1-Ajw2lcT-RV9eKqPzlDVeDMsrGjT4y0Mutvs2UYD6pi8TZO50ld\
    TkklOs6_d-L5wTgzMK4c4mKoNPhmCbzH5qCD5F6la7XA-5ouLBF3D9ZHarAT5Ht7K-XNEYGGem1oxdtprBS9Ztf0l3\
    ngQ0LgPQue9dKD0BmQQVBjR7ORWh04DmuCmIEiOeNmSV_0sg6rvJOZ-1REMylfXNR1Mze6daB0JkFsMlp11cfuk1wV\
    AuS3ED03fw0DJT_V7ZMnYr62e-ZnXbVFlGmqUfhmZj3AV_Z75-PLKFlmEw_TDYqJFajHnSOQ";
const P_256: &[&str] = &["NSv97_UnG9txKg-z67qE_RVeveZaT7xYqjECId8Cvak", "v1t9gcFuwYrWtRPFkjG2zylEvo8i4BVDztdlQKnrgvk"];
const P_384: &[&str] = &[
    "uxuNTtlHxYAJlHCBxk-deiiYJehtyplmSP-gzMeej9Uy_C9dNfQngmmJIfoHrnSN",
    "70gAHTLy7SzI868eoxS-qqd2sUTyponXBMHYIgMniGqoI2KuWCcazoU6yx5NN6Nl",
];
const ED25519: &[&str] = &["iaMx-qlABNu-fylQ4UTNu7_voQCAwnzwZKzUFX4ySIE"];

const SIGNATURES: &[(Algorithm, &str, &str)] = &[
    (
        Algorithm::RS256,
        "RSA",
        "EJljC7wGE_s740K9yKxH30Het1YDSmkz7jG6q72VH80rZ3aN3q5GivogWJA7Qp4mV9HMxRL7Ogxj5t3GBgHdndqoVz\
         NWupP9xeNqr928z5521G_oUgNLRPQSpnRxjDyippJ0-wzCQjn4_8e9nxY4c6lzh21nR8rz2XeYVSYOgRjKd_zti86G\
         c5mXMOT8XQmeNjh-0qEe28jL6losBVlaXTkBOxepSy-9veewGaVDrnnDYgM5jXjhzKDC5-kQga2-OPfgCc3kTaKxE-\
         q2RkECZa0BGDBHbjPJQfVEx33LUJuZA67VuGDlHn7eCZOQfwFRu3lGDdZiGFq8j-iNxC0cBg",
    ),
    (
        Algorithm::PS256,
        "RSA",
        "2RVGBQwKn7uXPwk45gwpnVC2Zjiceus76jfkKmugiU714DXCOBEu9jtZ55YZD1lMn324U-l87BzVKuW0sxD7YD-3oH\
         RM-rlBY0sv8sJCo35AlrsH4O4SgsBu9CqmmEHFGRmZg8XxfxXJDWMWdFuI_hncygSFSFFdCniCnCHxIluOZ5SOhn80\
         z3TFVEXoihde-_xx-FTv72SRZ0t2G6oBmUgWxJTrYqn86bBQlgyYoU9TWn0uYG_JBj_dLGAFzEJru_-yh2_hsejX7C\
         sjcFwsJNmGyhOuBG0Itv2cHWAbRVob6q3KNggXvnwonu2nb2Dd_-yeCvy12yoY2YUMRm5NMw",
    ),
    (
        Algorithm::RS384,
        "RSA",
        "RehjbnVkiC6HOSO-MLcujYbTTlTeKK0X3JqZQKC0_jHmtthMk0JLnd8OeIIP1gxxk-1j3r_KJlv0wbPaRqZiBERE-T\
         C1t6JhlMIx-1zk0YM3TXXs3BjY_iIw9XDmruc4bgrQlZZCTjOVwPjwPn-JxY9x_YAq18x13536CQewsgLARG8pdRno\
         mo4G37pEU8jtZ1yYmxT5oXs7YUJIpIs7WxiN0ey5Ke5no4oS32iUypj5Hjlpye4yzEjqWm_rd6-SWRe-5SWqp_rgbl\
         s1oSnclcg3wMqogjW-qYjBHQ6qybUUBSFIOxAqbThxJl3B0IUmF2JKKZ9fNwlQHVinWOpgZQ",
    ),
    (
        Algorithm::PS384,
        "RSA",
        "0gyryFrm2WrK785hjMB0blHG-jWlsAuUpCEyEr2dsU-Se6UJ6Wp5lhoz8tCpMCqEozxCenzsLlDqviBiAJ1KCf08PY\
         GbTIvtQh9kOoD_4W0SqDlBy3lZ5_T5VAjl7D4tMAH7OKm-olu_23WOE_V_umpSLiQOvOIO3WrB3EU_QOO6VJTbLBR0\
         NsfqWX3vJm4EPHgsHlmZzbOxWdyiqEfM1de62gd594bVPkFwapTFKXexrG2we5aQabJxcoGT2FA7VcX1oxQKNnCfMO\
         u3rx6lLd-KElX04C5spmAH9cjcZG_TIFURieeRJsVRPj0W4Sv2pTJyYbQDbDh8VlWks4mkgw",
    ),
    (
        Algorithm::RS512,
        "RSA",
        "tHC85CqTMXfwzD36j21oS261KH1En8OJA_IOvLJc9oWOO_YgwJottDLWfFBXKttR1aABU0w71ZQ8uUdxBNzvbePsLa\
         iNpnq97HoR4rf9hiNhtErDIhe-ewzsrTtiJlnZCQOPPsuqdOEjJEkRMe1eOJ2lqIzYGvo8v4Wi_ZZEtxdLtqH4sDEc\
         rPW1K_2kx5eSNThu-lLGX0MJsalYxn2Rfa4DvvqvHU_cNHR2uZA3tP2ErQ97Nl-HMxmyBvrMrYg45zmDaADQPyJ7KP\
         WyRcdnCJWN4ItvzTA2U6volv5a6NhsaO0d7QoiflAFnQd5_rcGxhUfcPL1NBIGJiQxNTr9ww",
    ),
    (
        Algorithm::PS512,
        "RSA",
        "mpCIICy6Y_TktPFebrUdu93KtusBi4JM9VUSrDFlqEZZm1I708o9w5746L222i9uV5305FZWBXDaBWOqkFRLFgEb40\
         2dUAdLQylA8gE0-JdaIhfv7PR2S2A6qgg4Wfs1IVt2E6nH9lOUv5TyycljiZA06osJCPurJLFLPci238kRy9D0PkVj\
         S2WmyGcaqfuIg3ql_NUPFohkHWvyUh4IzCcOnFoFs00kNtbRxjKMULkzaSf4f-0ve1uHCVDp6SAhued1NiT9hECZ7t\
         vQlPDVi_Pb98Uv2VtW254bWDMYMlXqfmw8M5qTUEhZdBrITFKLycJnuN8YT4cXoPvW1BZooQ",
    ),
    (
        Algorithm::ES256,
        "P-256",
        "RcenEL9ybdMv71Pm2wIMxAPbPrgJkil91VxU7ET68GwYPBeRUwHC6jE1fQkW8DatXTMNgbq6G99ypwDXmzsDvw",
    ),
    (
        Algorithm::ES384,
        "P-384",
        "btfnswz4l_5BiNgQn4kPikKh9dqy_zqYGN-wokh7zA15Gsf3Ywo58vATRxSdAt1XP8Gh1auhFt7tyDlbyeEoq6mcoo\
         rDavtgn0ZCEotLoQMoAUBRfW1fMmD16mDOdNxg",
    ),
    (
        Algorithm::EdDSA,
        "Ed25519",
        "_Hqf5JI3s5S7sCLJZtp6lJbayuLhbYbucIVvYihexljGmJod9rUMfHkpPCRHjif2qkTnn6MrsBE5nzUUNHpDAA",
    ),
];

/// The key of this kind.
fn key(kind: &str) -> DecodingKey {
    let jwk = match kind {
        "RSA" => json!({ "kty": "RSA", "n": RSA_N, "e": "AQAB" }),
        "P-256" => json!({ "kty": "EC", "crv": kind, "x": P_256[0], "y": P_256[1] }),
        "P-384" => json!({ "kty": "EC", "crv": kind, "x": P_384[0], "y": P_384[1] }),
        _ => json!({ "kty": "OKP", "crv": kind, "x": ED25519[0] }),
    };
    DecodingKey::from_jwk(&serde_json::from_value::<Jwk>(jwk).unwrap()).unwrap()
}

fn holds(algorithm: Algorithm, kind: &str, message: &[u8], signature: &[u8]) -> bool {
    verifier(&algorithm, &key(kind)).is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
}

fn decode(signature: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).unwrap()
}

#[test]
fn every_accepted_algorithm_has_a_known_answer() {
    let mut known: Vec<Algorithm> = SIGNATURES.iter().map(|(algorithm, ..)| *algorithm).collect();
    for algorithm in ACCEPTED {
        let place = known.iter().position(|other| *other == algorithm);
        known.remove(place.unwrap_or_else(|| panic!("{algorithm:?} has none")));
    }
    assert!(known.is_empty());
}

#[test]
fn signatures_hold_for_their_algorithm_key_and_message_alone() {
    for (algorithm, kind, signature) in SIGNATURES {
        let signature = decode(signature);
        assert!(holds(*algorithm, kind, MESSAGE, &signature), "{algorithm:?}");
        assert!(!holds(*algorithm, kind, b"header.Claims", &signature), "{algorithm:?}");
        assert!(!holds(*algorithm, kind, MESSAGE, &[]), "{algorithm:?}");
        let mut changed = signature.clone();
        changed[7] ^= 1;
        assert!(!holds(*algorithm, kind, MESSAGE, &changed), "{algorithm:?}");
        for other in ["RSA", "P-256", "P-384", "Ed25519"].iter().filter(|other| *other != kind) {
            assert!(!holds(*algorithm, other, MESSAGE, &signature), "{algorithm:?} {other}");
        }
        for other in ACCEPTED.iter().filter(|other| *other != algorithm) {
            assert!(!holds(*other, kind, MESSAGE, &signature), "{algorithm:?} {other:?}");
        }
    }
}

#[test]
fn a_public_key_is_no_secret_of_an_hmac() {
    let pair = ring_signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let secret = DecodingKey::from_secret(pair.public_key().as_ref());
        assert!(verifier(&algorithm, &secret).is_err(), "{algorithm:?}");
    }
}
