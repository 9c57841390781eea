//! The certificates of servers in the lab.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::{X509, X509NameBuilder};

/// One that nobody has reason to trust: signed by itself, for another name, and over since long.
pub fn identity() -> SslAcceptor {
    let (certificate, key) = certificate();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("TLS");
    acceptor.set_certificate(&certificate).expect("a certificate that was just made");
    acceptor.set_private_key(&key).expect("its key");
    acceptor.build()
}

/// The certificate and its key.
pub fn certificate() -> (X509, PKey<Private>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    let key = PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key");
    let mut name = X509NameBuilder::new().expect("a name");
    name.append_entry_by_text("CN", "somebody.example").expect("a name");
    let name = name.build();
    let mut builder = X509::builder().expect("a certificate");
    let mut build = || -> Result<(), openssl::error::ErrorStack> {
        builder.set_version(2)?;
        builder.set_serial_number(&*BigNum::from_u32(1)?.to_asn1_integer()?)?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(&name)?;
        builder.set_pubkey(&key)?;
        builder.set_not_before(&*Asn1Time::from_unix(0)?)?;
        builder.set_not_after(&*Asn1Time::from_unix(86_400)?)?;
        builder.sign(&key, MessageDigest::sha256())
    };
    build().expect("a certificate");
    (builder.build(), key)
}
