#include "tests/programs/unauthorised.h"

/// Everyone without the right to take part is refused, nothing of what the coordinator keeps about
/// members changes, and its log has a line about each.
namespace rondo::testing {
namespace {

constexpr auto kDay = std::chrono::hours(24);

TEST_F(UnauthorisedTest, CertificatesThatDoNotServe) {
  const auto now = std::chrono::system_clock::now();
  const Validity good = Validity::Days(10);
  const CertifiedKey foreign = MakeAuthority("foreign authority", good).value();

  Expect("no certificate", "no certificate", [&] {
    ssl::context context(ssl::context::tls_client);
    return Knock(context);
  });
  Expect("self-signed", "foreign authority", [&] { return KnockWith(foreign); });
  Expect("another authority", "foreign authority", [&] {
    return KnockWith(IssueClient(foreign, "client-1", good).value());
  });
  Expect("expired", "expired", [&] {
    return KnockWith(ForKeyOf(1, "client-1", {now - 30 * kDay, now - kDay}));
  });
  Expect("not yet valid", "not valid yet", [&] {
    return KnockWith(ForKeyOf(1, "client-1", {now + kDay, now + 2 * kDay}));
  });
  Expect("a server's", "made for the other side", [&] {
    return KnockWith(IssueServer(authority_, {"127.0.0.1"}, good).value());
  });
  Expect("a client's without name", "names no client", [&] {
    return KnockWith(Named("DNS:client-1", "clientAuth"));
  });
  Expect("a client's with two names", "names no client", [&] {
    return KnockWith(
        Named("URI:rondo://client/client-1,URI:rondo://client/client-2", "clientAuth"));
  });
  Expect("minted with a stolen authority", "was not issued by this coordinator", [&] {
    return KnockWith(IssueClient(authority_, "client-1", good).value());
  });
  Expect("an invented member", "was not issued by this coordinator", [&] {
    return KnockWith(IssueClient(authority_, "sybil", good).value());
  });
  Expect("a member's key under the name of another", "was not issued by this coordinator", [&] {
    return KnockWith(ForKeyOf(1, "client-2", good));
  });
  Expect("TLS 1.2", "TLS 1.3", [&] {
    ssl::context context(ssl::context::tls_client);
    const TlsFiles files = FilesOf(1);
    context.use_certificate_chain_file(files.certificate);
    context.use_private_key_file(files.key, ssl::context::pem);
    SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_2_VERSION);
    return Knock(context);
  });
  EXPECT_EQ(cases_, 12);
}

TEST_F(UnauthorisedTest, TokensThatDoNotServe) {
  const EnrolmentToken token = Invite("north");
  const EnrolmentToken cancelled = Invite("south");
  Revoke("south");
  const SigningKey& key = token.key;

  Expect("an unknown token", "the token is unknown", [&] {
    const ChannelPtr channel = AsNewcomer();
    return Say(channel, Honest(channel, SigningKey::Generate()));
  });
  Expect("a cancelled token", "the token is unknown", [&] {
    const ChannelPtr channel = AsNewcomer();
    return Say(channel, Honest(channel, cancelled.key));
  });
  const EnrolmentToken late = Invite("late");
  EXPECT_TRUE(Database::Open(Path("federation/state/members.db"), "")
                  ->Execute("UPDATE invitations SET expires = 1 WHERE client = 'late'"));
  Expect("an expired token", "the token has expired", [&] {
    const ChannelPtr channel = AsNewcomer();
    return Say(channel, Honest(channel, late.key));
  });
  Expect("no token and no certificate", "neither a token nor a certificate", [&] {
    const ChannelPtr channel = AsNewcomer();
    wire::Enrol enrol = Honest(channel, key);
    enrol.token.reset();
    return Say(channel, enrol);
  });
  Expect("a request recorded on another connection", "does not hold on this connection", [&] {
    const wire::Enrol recorded = Honest(AsNewcomer(), key);
    return Say(AsNewcomer(), recorded);  // The first one left by itself, which is no refusal.
  });
  Expect("another request under the signatures", "does not hold on this connection", [&] {
    const ChannelPtr channel = AsNewcomer();
    wire::Enrol enrol = Honest(channel, key);
    enrol.request = MakeRequest()->der;
    return Say(channel, enrol);
  });
  Expect("another roster key under the signatures", "does not hold on this connection", [&] {
    const ChannelPtr channel = AsNewcomer();
    wire::Enrol enrol = Honest(channel, key);
    enrol.roster_key = SigningKey::Generate().public_key();
    return Say(channel, enrol);
  });
  Expect("a token that its holder does not sign with", "signature of the token", [&] {
    const ChannelPtr channel = AsNewcomer();
    wire::Enrol enrol = Honest(channel, SigningKey::Generate());
    enrol.token->key = key.public_key();
    return Say(channel, enrol);
  });
  Expect("the roster key of a member", "cannot", [&] {
    const ChannelPtr channel = AsNewcomer();
    return Say(channel, Honest(channel, key, MakeRequest().value(), RosterKeyOf(1)));
  });
  Expect("a request that is none", "no certificate request", [&] {
    const ChannelPtr channel = AsNewcomer();
    CertificateRequest request = MakeRequest().value();
    request.der.back() ^= 1;
    return Say(channel, Honest(channel, key, request, SigningKey::Generate()));
  });
  Expect("a greeting instead of a request", "must not send 'hello'", [&] {
    return Say(AsNewcomer(), HelloFrame(CatalogueSha256()));
  });
  Expect("a frame beyond what strangers may send", "more than may come now", [&] {
    Bytes header(wire::kFrameHeaderSize);
    wire::WriteFrameHeader(std::span<std::uint8_t, wire::kFrameHeaderSize>(header),
                           wire::FrameType::kContributionChunk,
                           1 << 20);
    return Say(AsNewcomer(), header);
  });
  Expect("bytes without meaning", "malformed", [&] {
    Bytes frame = wire::Encode(wire::Goodbye{.reason = "x"});
    frame[6] = 0xFF;
    return Say(AsNewcomer(), frame);
  });
  // The token served none of these, and is still good.
  const ChannelPtr channel = AsNewcomer();
  const wire::Enrol enrol = Honest(channel, key);
  EXPECT_TRUE(Say(channel, enrol));
  Expect("a used token", "the token was used already", [&] {
    const ChannelPtr second = AsNewcomer();
    return Say(second, Honest(second, key));
  });
  EXPECT_EQ(cases_, 14);
}

TEST_F(UnauthorisedTest, MembersBeyondTheirRights) {
  constexpr auto kEnrolment = TlsContext::Purpose::kEnrolment;

  Expect("a renewal for another key", "for its own key only", [&] {
    const ChannelPtr channel = AsMember(1, kEnrolment);
    return Say(channel, Renewal(channel, MakeRequest().value(), RosterKeyOf(1)));
  });
  Expect("a renewal for the key of another", "for its own key only", [&] {
    const ChannelPtr channel = AsMember(1, kEnrolment);
    return Say(channel, Renewal(channel, OwnRequest(2), RosterKeyOf(1)));
  });
  Expect("a renewal with the roster key of another", "no member with this certificate", [&] {
    const ChannelPtr channel = AsMember(1, kEnrolment);
    return Say(channel, Renewal(channel, OwnRequest(1), RosterKeyOf(2)));
  });
  Expect("an enrolment in a session", "the first message is 'enrol'", [&] {
    const ChannelPtr channel = AsMember(1);
    return Say(channel, Renewal(channel, OwnRequest(1), RosterKeyOf(1)));
  });
  const ChannelPtr session = AsMember(1);
  ASSERT_TRUE(Say(session, HelloFrame(CatalogueSha256())));
  Expect("a greeting that is said again", "must not send 'hello'", [&] {
    return Say(session, HelloFrame(CatalogueSha256()));
  });

  const ChannelPtr running = AsMember(2);
  ASSERT_TRUE(Say(running, HelloFrame(CatalogueSha256())));
  // The coordinator may notice by itself before the frame comes, so the line is counted by hand.
  const std::size_t lines = Refusals();
  Revoke("client-2");
  EXPECT_FALSE(Say(running, wire::Heartbeat{}));
  ASSERT_TRUE(coordinator_->Await([&] { return Refusals() > lines; }));
  EXPECT_EQ(Refusals(), lines + 1);
  Expect("a session after that", "was revoked", [&] {
    return Say(AsMember(2), HelloFrame(CatalogueSha256()));
  });
  Expect("a renewal after that", "was revoked", [&] {
    const ChannelPtr channel = AsMember(2, kEnrolment);
    return Say(channel, Renewal(channel, OwnRequest(2), RosterKeyOf(2)));
  });
  Expect("another name for its key after that", "was not issued", [&] {
    return KnockWith(ForKeyOf(2, "client-9", Validity::Days(10)));
  });
  EXPECT_EQ(cases_, 8);
}

}  // namespace
}  // namespace rondo::testing
