import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// One HTTP answer, with its JSON read on demand.
struct WebAnswer: Sendable {
    var status: Int
    var headers: [String: String]
    var body: String

    /// The value at a path such as `total.amount` or `items.0.id`; nil when there is none.
    private func value(_ path: String) -> Any? {
        var current = try? JSONSerialization.jsonObject(
            with: Data(body.utf8), options: .fragmentsAllowed)
        for part in path.split(separator: ".") {
            if let index = Int(part), let list = current as? [Any], index < list.count {
                current = list[index]
            } else {
                current = (current as? [String: Any])?[String(part)]
            }
        }
        return current
    }

    func text(_ path: String) -> String? { value(path) as? String }
    func integer(_ path: String) -> Int? { value(path) as? Int }
    func count(_ path: String) -> Int? { (value(path) as? [Any])?.count }
    func has(_ path: String) -> Bool { value(path) != nil }

    /// The objects of the list at `path`, each as an answer of its own.
    func list(_ path: String) -> [WebAnswer] {
        let items = (path.isEmpty ? value("") : value(path)) as? [Any] ?? []
        return items.compactMap { item in
            let bytes = try? JSONSerialization.data(
                withJSONObject: item, options: .fragmentsAllowed)
            let text = bytes.map { String(decoding: $0, as: UTF8.self) }
            return text.map { WebAnswer(status: status, headers: [:], body: $0) }
        }
    }
}

/// The tests' HTTP client: short time-outs, no redirects, no retries.
enum Web {
    static func get(_ url: String, headers: [String: String] = [:]) async throws -> WebAnswer {
        try await call("GET", url, headers: headers, body: nil)
    }

    static func send(
        _ method: String, _ url: String, _ body: String, headers: [String: String] = [:]
    ) async throws -> WebAnswer {
        try await call(
            method, url, headers: ["Content-Type": "application/json"].merging(headers) { $1 },
            body: body)
    }

    private static func call(
        _ method: String, _ url: String, headers: [String: String], body: String?
    ) async throws -> WebAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 16 * 1024 * 1024)
        let fields = response.headers.map { ($0.name.lowercased(), $0.value) }
        return WebAnswer(
            status: Int(response.status.code),
            headers: Dictionary(fields) { first, _ in first }, body: String(buffer: bytes))
    }
}
