import Logging
import Observability
import Testing

@Suite(.timeLimit(.minutes(1)))
struct LogConfigurationTests {
    @Test func theEnvironmentSetsLevelAndFormat() throws {
        let configuration = try LogConfiguration(
            environment: ["LOG_LEVEL": "Debug", "LOG_FORMAT": "JSON"])

        #expect(configuration.level == .debug)
        #expect(configuration.format == .json)
    }

    @Test func whatIsNotSetKeepsItsDefault() throws {
        let configuration = try LogConfiguration(environment: ["LOG_LEVEL": ""])

        #expect(configuration.level == .info)
        #expect(configuration.format == .logfmt)
    }

    @Test(arguments: [["LOG_LEVEL": "loud"], ["LOG_FORMAT": "xml"]])
    func aWrongValueIsRefusedWithWhatIsAllowed(environment: [String: String]) throws {
        let error = #expect(throws: ObservabilityError.self) {
            try LogConfiguration(environment: environment)
        }
        #expect(error?.code == .invalidSetting)
        let message = try #require(error?.message)
        #expect(message.contains("none of trace, debug, info") || message.contains("logfmt, json"))
    }
}
