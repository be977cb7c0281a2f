// Package unit connects the processes of a split portal. All are built from one list of plugins; configuration says which plugins run in which.
// A process reaches an extension that runs elsewhere through its relay, at [RelayPath], and a plugin's export through the plugin's own HTTP API. Both carry who acts in a token that only
// the portal's processes can make.
package unit
