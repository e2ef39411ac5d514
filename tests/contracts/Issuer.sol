// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// Says what the issuers of USDT and USDC say when they freeze, unfreeze and destroy; nothing else.
contract Issuer {
    event AddedBlackList(address _user);
    event RemovedBlackList(address _user);
    event DestroyedBlackFunds(address _blackListedUser, uint256 _balance);
    event Blacklisted(address indexed _account);
    event UnBlacklisted(address indexed _account);
    function addBlackList(address who) external { emit AddedBlackList(who); }
    function removeBlackList(address who) external { emit RemovedBlackList(who); }
    function destroyBlackFunds(address who, uint256 amount) external { emit DestroyedBlackFunds(who, amount); }
    function blacklist(address who) external { emit Blacklisted(who); }
    function unBlacklist(address who) external { emit UnBlacklisted(who); }
}
