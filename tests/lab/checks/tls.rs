//! The certificates of servers in the lab.

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

/// One that nobody has reason to trust: signed by itself, for another name, and over since long.
pub fn identity() -> SslAcceptor {
    acceptor(&certificate())
}

/// What a server with this certificate accepts by.
pub fn acceptor((certificate, key): &(X509, PKey<Private>)) -> SslAcceptor {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("TLS");
    acceptor.set_certificate(certificate).expect("a certificate that was just made");
    acceptor.set_private_key(key).expect("its key");
    acceptor.build()
}

/// The certificate of [`identity`] and its key.
pub fn certificate() -> (X509, PKey<Private>) {
    let of_1970 = [0, 86_400].map(|second| Asn1Time::from_unix(second).expect("a time"));
    self_signed("somebody.example", [&of_1970[0], &of_1970[1]], |_| Ok(()))
}

/// A certificate for `localhost` that is its own authority.
pub fn for_localhost() -> (X509, PKey<Private>) {
    let now = [0, 2].map(|days| Asn1Time::days_from_now(days).expect("a time"));
    self_signed("relay", [&now[0], &now[1]], |builder| {
        let names = SubjectAlternativeName::new().dns("localhost").build(&builder.x509v3_context(None, None))?;
        builder.append_extension(names)?;
        builder.append_extension(BasicConstraints::new().ca().build()?)
    })
}

fn self_signed(
    common_name: &str,
    valid: [&Asn1TimeRef; 2],
    extend: impl FnOnce(&mut X509Builder) -> Result<(), ErrorStack>,
) -> (X509, PKey<Private>) {
    let build = || -> Result<_, ErrorStack> {
        let key = PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)?;
        let mut name = X509NameBuilder::new()?;
        name.append_entry_by_text("CN", common_name)?;
        let name = name.build();
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        builder.set_serial_number(&*BigNum::from_u32(1)?.to_asn1_integer()?)?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(&name)?;
        builder.set_pubkey(&key)?;
        builder.set_not_before(valid[0])?;
        builder.set_not_after(valid[1])?;
        extend(&mut builder)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok((builder.build(), key))
    };
    build().expect("a certificate")
}
