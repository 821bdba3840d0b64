import Testing
import TroupeRedisTestKit

@testable import TroupeRedis

@Suite(.redisServer, .timeLimit(.minutes(1)))
struct ScriptDigestTests {
    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
    ])
    func itIsThatOfTheStandard(_ text: String, _ digest: String) {
        #expect(ScriptDigest.hexadecimal(of: text.utf8) == digest)
    }

    /// Every length around the ends of blocks.
    @Test func theServerKnowsScriptsByIt() async throws {
        let redis = RedisServer.current.client()
        for length in Array(40...140) + [4096] {
            let script = RedisScript(
                "return 1 --" + String(repeating: "ü", count: length / 2)
                    + String(repeating: "x", count: length % 2))
            #expect(try await redis.send(.scriptLoad(script)).string == script.sha1)
        }
        await redis.shutdown()
    }
}
